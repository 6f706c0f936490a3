/// The script of each scalar, as the reference's UnicodeScripts sees it: kana counts as ideographs.
enum Scripts {
    /// What stands for any script: spaces, and what its edition of Unicode does not know.
    static let any: UInt32 = 0

    /// For each scalar the number of its script.
    static let table: ScalarTable = {
        var table = ScalarTable(default: any)
        for group in ScriptData.scripts.split(whereSeparator: \.isWhitespace) {
            let parts = group.split(separator: ":")
            guard parts.count == 2, let script = UInt32(parts[0], radix: 16) else { continue }
            for range in ScalarRanges(parsing: String(parts[1])) {
                table.update(range) { _ in script }
            }
        }
        return table
    }()
}
