import CPlatform
import Glibc

/// What this process uses of the machine, read from `/proc/self` and `getrusage`.
package struct ProcessUsage: Sendable {
    /// Memory resident in RAM, in bytes.
    package var residentBytes: Int
    /// Processor time of all threads, user and system, in seconds.
    package var processorSeconds: Double
    /// Descriptors open now.
    package var openDescriptors: Int
    /// Descriptors that the process may have open at once (`RLIMIT_NOFILE`).
    package var descriptorsMaximum: Int

    /// Reads the numbers as they are now; one that cannot be read is 0.
    package static func read() -> ProcessUsage {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let seconds = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        let microseconds = Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return ProcessUsage(
            residentBytes: residentPages() * Int(getpagesize()),
            processorSeconds: seconds + microseconds * 1e-6,
            openDescriptors: countOpenDescriptors(),
            descriptorsMaximum: Int(clamping: limit.rlim_cur))
    }

    /// The second field of `/proc/self/statm`.
    private static func residentPages() -> Int {
        guard let file = fopen("/proc/self/statm", "re") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let text = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
        return fields.count > 1 ? Int(fields[1]) ?? 0 : 0
    }

    private static func countOpenDescriptors() -> Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        // ".", ".." and the descriptor of the listing itself do not count.
        var count = -3
        while readdir(folder) != nil {
            count += 1
        }
        return max(count, 0)
    }
}

extension ProcessUsage {
    /// Gives memory that was freed back to the system; the allocator alone keeps some for later.
    package static func returnFreeMemory() {
        cplatform_return_free_memory()
    }
}
