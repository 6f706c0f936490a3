import CPlatform
import Glibc

/// How many processors this process may use: not how many the host has.
package struct ProcessorLimits: Equatable, Sendable {
    /// Processors in the process's affinity mask.
    package var affinity: Int
    /// The cgroup's quota in processors, rounded up; nil when there is none.
    package var quota: Int?

    package init(affinity: Int, quota: Int?) {
        self.affinity = affinity
        self.quota = quota
    }

    /// Threads that can run at once: the smaller of the two, at least 1.
    package var threads: Int { max(1, min(affinity, quota ?? affinity)) }

    /// Whether so many threads are one for each processor, and may use all of it.
    ///
    /// Then each can stay on its own. With fewer, or with a quota of a larger machine, somebody else
    /// may have chosen the same processors, while others are idle.
    package func hasOneProcessor(forEachOf threads: Int) -> Bool {
        threads == affinity && quota ?? affinity >= affinity
    }

    /// The limits as they are now.
    package static var current: ProcessorLimits {
        ProcessorLimits(affinity: Int(cplatform_affinity_count()), quota: cgroupQuota())
    }

    /// The tightest quota of the process's cgroup and those above it, version 2 or 1.
    private static func cgroupQuota() -> Int? {
        guard let own = text(of: "/proc/self/cgroup") else { return nil }
        var quotas: [Double] = []
        for line in own.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let controllers = fields[1].split(separator: ",")
            if controllers.isEmpty {
                quotas += ancestors(String(fields[2])).compactMap {
                    quotaVersion2(text(of: "/sys/fs/cgroup\($0)/cpu.max"))
                }
            } else if controllers.contains("cpu") {
                quotas += ancestors(String(fields[2])).compactMap { path in
                    let folder = "/sys/fs/cgroup/cpu\(path)"
                    return quotaVersion1(
                        text(of: folder + "/cpu.cfs_quota_us"),
                        period: text(of: folder + "/cpu.cfs_period_us"))
                }
            }
        }
        return quotas.min().map { Int($0.rounded(.up)) }
    }

    /// `/a/b` gives `/a/b`, `/a` and the root; inside a container the root is all there is to see.
    private static func ancestors(_ path: String) -> [String] {
        var paths = [""]
        for component in path.split(separator: "/") {
            paths.append((paths.last ?? "") + "/" + component)
        }
        return paths
    }

    /// The contents of `cpu.max`: "max 100000" or "150000 100000".
    package static func quotaVersion2(_ text: String?) -> Double? {
        let fields = text?.split(whereSeparator: \.isWhitespace) ?? []
        guard fields.count == 2, let quota = Double(fields[0]), let period = Double(fields[1]),
            quota > 0, period > 0
        else { return nil }
        return quota / period
    }

    /// The contents of `cpu.cfs_quota_us` (-1 for none) and `cpu.cfs_period_us`.
    package static func quotaVersion1(_ quota: String?, period: String?) -> Double? {
        quotaVersion2("\(quota ?? "") \(period ?? "")")
    }

    private static func text(of path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
