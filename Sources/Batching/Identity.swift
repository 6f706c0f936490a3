/// A request's name inside the queue; never used again within a process.
package struct RequestID: Hashable, Comparable, Sendable {
    package var value: UInt64

    package init(_ value: UInt64) {
        self.value = value
    }

    package static func < (left: RequestID, right: RequestID) -> Bool { left.value < right.value }
}

/// Which loaded model a request is for: batches never mix models.
package struct ModelID: Hashable, Comparable, Sendable {
    package var value: Int

    package init(_ value: Int) {
        self.value = value
    }

    package static func < (left: ModelID, right: ModelID) -> Bool { left.value < right.value }
}

/// Whose share a request is taken from: an API key's hash, or a connection's number.
package struct ClientKey: Hashable, Sendable {
    package var value: UInt64

    package init(_ value: UInt64) {
        self.value = value
    }

    /// The one share of all who have not said who they are.
    package static let anonymous = ClientKey(0)
}

/// A batch's name; counts up from zero.
package struct BatchID: Hashable, Comparable, Sendable {
    package var value: UInt64

    package init(_ value: UInt64) {
        self.value = value
    }

    package static func < (left: BatchID, right: BatchID) -> Bool { left.value < right.value }
}

/// One text of one request.
package struct ItemReference: Hashable, Sendable {
    package var request: RequestID
    /// The text's place in its request, from 0.
    package var index: Int

    package init(request: RequestID, index: Int) {
        self.request = request
        self.index = index
    }
}

/// How urgent a request is.
package enum Priority: Hashable, CaseIterable, Sendable {
    /// Somebody waits for the answer.
    case interactive
    /// Work that steps back for others by a fixed, bounded amount.
    case bulk
}
