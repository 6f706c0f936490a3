import HTTPWire

/// A request's content as it arrives: inflated on the way, bounded, and paid for from the budget.
struct RequestContent {
    private(set) var bytes: [UInt8] = []
    private(set) var reservedBytes = 0
    private var inflater: ContentInflater?
    private var bytesMaximum = 0

    /// The step in which memory for content of unknown length is reserved.
    private static let reservationStep = 64 << 10

    init() {}

    /// Begins content of an admitted request.
    ///
    /// - Throws: `.overloaded` when the server's budget is used up.
    mutating func begin(
        head: RequestHead, bytesMaximum: Int, shared: ServerShared
    ) throws(ProtocolFailure) {
        self.bytesMaximum = bytesMaximum
        bytes = []
        // An object, if only to find that there is nothing to undo.
        inflater =
            head.contentCoding == .identity
            ? nil
            : ContentInflater(
                head.contentCoding, bytesMaximum: bytesMaximum,
                ratioMaximum: shared.configuration.inflationRatioMaximum)
        if case .length(let length) = head.framing, inflater == nil, length > 0 {
            try reserve(length, shared)
            // What is announced is paid for; the system gives the memory as it is written to.
            bytes.reserveCapacity(length)
        }
    }

    /// Adds bytes as they came from the wire.
    mutating func append(
        _ input: [UInt8], _ range: Range<Int>, shared: ServerShared
    ) throws(ProtocolFailure) {
        if let inflater {
            do throws(InflationFailure) {
                try inflater.inflate(input.span.extracting(range), into: &bytes)
            } catch {
                throw error.protocolFailure
            }
        } else {
            bytes.append(contentsOf: input[range])
        }
        // What an array that grows holds in advance is paid for as well.
        while bytes.count > reservedBytes || bytes.capacity >= reservedBytes + Self.reservationStep
        {
            try reserve(Self.reservationStep, shared)
        }
    }

    /// The content is complete.
    mutating func finish() throws(ProtocolFailure) -> [UInt8] {
        do throws(InflationFailure) {
            try inflater?.finish()
        } catch {
            throw error.protocolFailure
        }
        inflater = nil
        defer { bytes = [] }
        return bytes
    }

    /// Gives back what was reserved: the request has been answered or dropped.
    mutating func release(shared: ServerShared) {
        guard reservedBytes > 0 || !bytes.isEmpty || inflater != nil else { return }
        shared.releaseBody(bytes: reservedBytes)
        self = RequestContent()
    }

    private mutating func reserve(_ count: Int, _ shared: ServerShared) throws(ProtocolFailure) {
        guard shared.reserveBody(bytes: count) else { throw .overloaded }
        reservedBytes += count
    }
}
