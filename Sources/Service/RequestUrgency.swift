import Batching
import HTTPWire
import Platform

/// How soon a request wants its answer: what its header fields say, and what the rest makes of it.
package struct RequestUrgency: Equatable, Sendable {
    /// `X-Request-Timeout-Ms`: after so long, counted from the request's last header byte, its
    /// sender has no use for the answer.
    package var timeout: TimeSpan?
    /// `X-Request-Priority`.
    package var priority: Priority?

    /// Reads the fields.
    ///
    /// - Throws: 400 that names the field with a value that means nothing.
    package init(_ fields: HTTPFields) throws(APIError) {
        if let value = fields[Self.timeoutField] {
            let isWhole = !value.isEmpty && value.utf8.allSatisfy { (48...57).contains($0) }
            guard isWhole, let milliseconds = Int64(value), (1...86_400_000).contains(milliseconds)
            else {
                throw .invalidValue(
                    Self.timeoutField,
                    "The header '\(Self.timeoutField)' must be a whole number of milliseconds from "
                        + "1 to 86400000, not '\(value.prefix(32))'.")
            }
            timeout = .milliseconds(milliseconds)
        }
        switch fields[Self.priorityField] {
        case nil: break
        case "interactive": priority = .interactive
        case "bulk": priority = .bulk
        case let value?:
            throw .invalidValue(
                Self.priorityField,
                "The header '\(Self.priorityField)' must be 'interactive' or 'bulk', not "
                    + "'\(value.prefix(32))'.")
        }
    }

    package static let timeoutField = "x-request-timeout-ms"
    package static let priorityField = "x-request-priority"

    /// From this many tokens a request that does not say otherwise is bulk: it would take a second
    /// and more of two cores with a small model, and nobody looks at a screen for so many texts.
    package static let bulkTokensMinimum = 16_384

    /// The priority of a request with so many tokens in all, of a client whose key may have one.
    package func priority(tokens: Int, ofKey usual: Priority = .interactive) -> Priority {
        priority ?? (tokens >= Self.bulkTokensMinimum ? .bulk : usual)
    }
}
