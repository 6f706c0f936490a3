import JSON

/// Oracles: an accepted table covers the file's data exactly, each row is what the header's JSON
/// says, and no row needs more bytes than it has.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSafetensorsHeader(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let file = UnsafeRawBufferPointer(start: start, count: count)
    let header: SafetensorsHeader
    do throws(SafetensorsProblem) {
        header = try SafetensorsHeader(of: file)
    } catch {
        precondition(!error.reason.isEmpty)
        return 0
    }
    precondition(header.dataStart >= 10 && header.dataStart <= count)
    let json = Array(file[8..<header.dataStart])
    guard let object = (try? JSONValue(parsing: json))?.object else {
        // What a key that is not read holds may have a key twice.
        return 0
    }
    let hasMetadata = object["__metadata__"] != nil
    precondition(object.members.count == header.entries.count + (hasMetadata ? 1 : 0))
    var end = 0
    for entry in header.entries {
        precondition(entry.range.lowerBound == end && entry.range.upperBound >= end)
        end = entry.range.upperBound
        let row = object[entry.name]?.object
        precondition(row?["dtype"]?.string == entry.dtype.rawValue)
        precondition(row?["shape"]?.array?.compactMap(\.int) == entry.shape)
        precondition(
            row?["data_offsets"]?.array?.compactMap(\.int)
                == [entry.range.lowerBound, entry.range.upperBound])
        let elements = entry.shape.reduce(1, *)
        precondition(elements * entry.dtype.bits == entry.range.count * 8)
    }
    precondition(header.dataStart + end == count)
    return 0
}
