import CKernels

/// Which kernels to compute with: the best that this machine runs, or one by name.
package enum KernelChoice: Equatable, Sendable, CustomStringConvertible {
    case automatic
    case named(String)

    /// Reads the value of a flag: `auto` or a kernel's name.
    package init(_ text: String) {
        self = text == "auto" ? .automatic : .named(text)
    }

    package var description: String {
        switch self {
        case .automatic: "auto"
        case .named(let name): name
        }
    }
}

/// A choice of kernels that this machine cannot run.
package struct KernelError: Error, Equatable, Sendable, CustomStringConvertible {
    package let requested: String
    package let available: [String]

    package init(requested: String, available: [String]) {
        self.requested = requested
        self.available = available
    }

    package var description: String {
        "kernels \(requested) are not available here (available: auto, "
            + available.joined(separator: ", ") + ")"
    }
}

/// One instruction set's kernels, checked against this processor and its system.
package struct Kernels: @unchecked Sendable {
    /// Safe to share: a constant table of functions that keep no state.
    let table: UnsafePointer<ck_table>
    /// `reference`, `avx2`, `avx512`, ...
    package let name: String
    /// What computes float32 products in the table's place; nil for the table's own.
    let openBLAS: OpenBLAS?

    /// The names of the tables that this machine can run, best first.
    package static let available: [String] = {
        var names: [String] = []
        var index = 0
        while let name = ck_table_name(index) {
            if ck_table_named(name) != nil { names.append(String(cString: name)) }
            index += 1
        }
        return names
    }()

    /// What can be asked for by name: the tables, and `openblas` where that library is installed.
    package static let choices: [String] =
        available + (OpenBLAS.shared == nil ? [] : [OpenBLAS.name])

    /// - Throws: `KernelError` when the kernels named do not exist or cannot run here.
    package init(_ choice: KernelChoice) throws(KernelError) {
        let requested =
            switch choice {
            case .automatic: Self.available.first ?? "reference"
            case .named(let name): name
            }
        // OpenBLAS multiplies float32 matrices alone; the best table does the rest.
        openBLAS = requested == OpenBLAS.name ? OpenBLAS.shared : nil
        let tableName = openBLAS == nil ? requested : Self.available.first ?? "reference"
        guard let table = ck_table_named(tableName) else {
            throw KernelError(requested: requested, available: Self.choices)
        }
        self.table = table
        name = requested
    }
}
