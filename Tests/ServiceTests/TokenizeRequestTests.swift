import Service
import Testing

struct TokenizeRequestTests {
    private func parse(_ body: String) throws(APIError) -> TokenizeRequest {
        try TokenizeRequest(parsing: Array(body.utf8), inputsMaximum: 3)
    }

    @Test(arguments: [
        (#"{"inputs":"a"}"#, ["a"], true),
        (#"{"inputs":""}"#, [""], true),
        (#"{"inputs":["a","","b"]}"#, ["a", "", "b"], true),
        (#"{"inputs":"a","add_special_tokens":false}"#, ["a"], false),
        (#"{"add_special_tokens":true,"inputs":"a"}"#, ["a"], true),
        (#"{"inputs":"a","add_special_tokens":null}"#, ["a"], true),
        (#"{"inputs":"a","prompt_name":{"a":[1]}}"#, ["a"], true),
    ])
    func takes(body: String, inputs: [String], addsSpecialTokens: Bool) throws {
        let request = try parse(body)
        #expect(request.inputs == inputs)
        #expect(request.addSpecialTokens == addsSpecialTokens)
    }

    @Test(
        arguments: [
            ("", .invalidJSON, nil),
            (#"{"inputs":"a""#, .invalidJSON, nil),
            ("[]", .invalidType, nil),
            ("{}", .missingParameter, "inputs"),
            (#"{"input":"a"}"#, .missingParameter, "inputs"),
            (#"{"inputs":[]}"#, .invalidValue, "inputs"),
            (#"{"inputs":["a","b","c","d"]}"#, .invalidValue, "inputs"),
            (#"{"inputs":"a","inputs":"b"}"#, .invalidValue, "inputs"),
            (#"{"inputs":1}"#, .invalidType, "inputs"),
            (#"{"inputs":null}"#, .invalidType, "inputs"),
            (#"{"inputs":["a",1]}"#, .invalidType, "inputs[1]"),
            (#"{"inputs":[["a"]]}"#, .invalidType, "inputs[0]"),
            (#"{"inputs":"a","add_special_tokens":"no"}"#, .invalidType, "add_special_tokens"),
        ] as [(String, APIError.Code, String?)])
    func refuses(body: String, code: APIError.Code, parameter: String?) {
        do {
            let request = try parse(body)
            Issue.record("taken as \(request)")
        } catch {
            #expect(error.status.code == 400)
            #expect(error.code == code)
            #expect(error.parameter == parameter)
        }
    }
}
