import HTTPWire
import JSON
import Service
import Testing

struct APIErrorTests {
    @Test func bodyIsThatOfOpenAI() {
        let error = APIError(
            .badRequest, .invalidValue, "'input[3]' must not be an empty string.",
            parameter: "input[3]")
        #expect(
            String(decoding: error.body, as: UTF8.self)
                == #"{"error":{"message":"'input[3]' must not be an empty string.","#
                + #""type":"invalid_request_error","param":"input[3]","code":"invalid_value"}}"#)
    }

    @Test func absentParametersAndCodesAreNull() {
        let error = APIError(.internalServerError, kind: .server, nil, "It failed.")
        #expect(
            String(decoding: error.body, as: UTF8.self)
                == #"{"error":{"message":"It failed.","type":"server_error","param":null,"code":null}}"#
        )
    }

    @Test func whatTheClientSentIsEscaped() throws {
        let message = "no \"model\" \\ \u{7}\u{1F}\n\u{7F}é😀</script>"
        let error = APIError(.notFound, .modelNotFound, message, parameter: "mod\"el")
        #expect(!error.body.contains { $0 < 0x20 || $0 == 0x7F })
        let member = try JSONValue(parsing: error.body).object?["error"]?.object
        #expect(member?.members.map(\.key) == ["message", "type", "param", "code"])
        #expect(member?["message"]?.string == message)
        #expect(member?["param"]?.string == "mod\"el")
        #expect(member?["code"]?.string == "model_not_found")
    }

    /// Programs branch on these names.
    @Test func namesAreSnakeCaseAndUnique() {
        let names = APIError.Code.allCases.map(\.rawValue) + APIError.Kind.allCases.map(\.rawValue)
        #expect(Set(names).count == names.count)
        for name in names {
            #expect(name.utf8.allSatisfy { $0 == UInt8(ascii: "_") || (97...122).contains($0) })
        }
    }
}
