import Service
import Testing

/// The body of `POST /v1/embeddings`: what is taken, and what is refused with which error.
struct EmbeddingsRequestTests {
    private func parse(_ body: String, inputsMaximum: Int = 4) throws(APIError) -> EmbeddingsRequest
    {
        try EmbeddingsRequest(parsing: Array(body.utf8), inputsMaximum: inputsMaximum)
    }

    // MARK: Inputs

    @Test(
        arguments: [
            (#""a""#, [.text("a")], false),
            (#""\u00e9\ud83d\ude00\n""#, [.text("é😀\n")], false),
            (#"" ""#, [.text(" ")], false),
            (#"["a"]"#, [.text("a")], true),
            (#"["a", "b", "a"]"#, [.text("a"), .text("b"), .text("a")], true),
            ("[101]", [.tokenIDs([101])], false),
            ("[0, 2147483647]", [.tokenIDs([0, 2_147_483_647])], false),
            ("[1,2,3,4,5,6,7]", [.tokenIDs([1, 2, 3, 4, 5, 6, 7])], false),
            ("[[1, 2], [3]]", [.tokenIDs([1, 2]), .tokenIDs([3])], true),
        ] as [(String, [EmbeddingsRequest.Input], Bool)])
    func takesInputs(input: String, inputs: [EmbeddingsRequest.Input], isList: Bool) throws {
        let request = try parse(#"{"model":"m","input":\#(input)}"#)
        #expect(request.inputs == inputs)
        #expect(request.isList == isList)
    }

    @Test func namesInputsAsTheClientWroteThem() throws {
        #expect(try parse(#"{"model":"m","input":"a"}"#).parameter(of: 0) == "input")
        #expect(try parse(#"{"model":"m","input":[7]}"#).parameter(of: 0) == "input")
        #expect(try parse(#"{"model":"m","input":["a","b"]}"#).parameter(of: 1) == "input[1]")
    }

    @Test func countsInputsNotTokens() throws {
        #expect(try parse(#"{"model":"m","input":["a","b","c","d"]}"#).inputs.count == 4)
        #expect(try parse(#"{"model":"m","input":[1,2,3,4,5]}"#).inputs.count == 1)
        expectRefusal(
            #"{"model":"m","input":["a","b","c","d","e"]}"#, .invalidValue, "input",
            "'input' has more than 4 elements; send several requests.")
    }

    // MARK: Other fields

    @Test(
        arguments: [
            (#""encoding_format":"float""#, .float, nil, nil),
            (#""encoding_format":"base64""#, .base64, nil, nil),
            (#""encoding_format":null"#, .float, nil, nil),
            (#""dimensions":64"#, .float, 64, nil),
            (#""dimensions":-1"#, .float, -1, nil),
            (#""dimensions":null"#, .float, nil, nil),
            (#""truncate":true"#, .float, nil, true),
            (#""truncate":false"#, .float, nil, false),
            (#""truncate":null"#, .float, nil, nil),
            (#""user":"u""#, .float, nil, nil),
            (#""user":null"#, .float, nil, nil),
            (#""unknown":{"input":[1,{"a":[]}]},"unknown":2"#, .float, nil, nil),
            (#""Model":1"#, .float, nil, nil),
        ] as [(String, EmbeddingsRequest.EncodingFormat, Int?, Bool?)])
    func takesOptionalFields(
        field: String, format: EmbeddingsRequest.EncodingFormat, dimensions: Int?, truncate: Bool?
    ) throws {
        let before = try parse(#"{\#(field),"model":"m","input":"a"}"#)
        let after = try parse(#" { "input" : "a" , "model" : "m" , \#(field) } "#)
        #expect(before == after)
        #expect(before.model == "m")
        #expect(before.encodingFormat == format)
        #expect(before.dimensions == dimensions)
        #expect(before.truncate == truncate)
    }

    @Test(
        arguments: [
            (#""prompt_name":"query""#, PromptChoice(name: "query")),
            (#""prompt":"""#, PromptChoice(text: "")),
            (#""input_type":"document","prompt":"a ""#, .init(text: "a ", inputType: .document)),
            (#""input_type":null,"prompt":null,"prompt_name":null"#, PromptChoice()),
        ])
    func takesPrompts(fields: String, prompt: PromptChoice) throws {
        #expect(try parse(#"{"model":"m","input":"a",\#(fields)}"#).prompt == prompt)
    }

    @Test func refusesPrompts() {
        let start = #"{"model":"m","input":"a","#
        expectRefusal(
            start + #""input_type":"passage"}"#, .invalidValue, "input_type",
            "'input_type' must be 'query' or 'document', not 'passage'.")
        expectRefusal(start + #""prompt_name":1}"#, .invalidType, "prompt_name", nil)
    }

    // MARK: Refusals

    @Test(arguments: [
        ("", "a value is missing (at byte 0)"),
        ("{", "the text ends too early (at byte 1)"),
        (#"{"model":"m","input":"a"}x"#, "something follows the value (at byte 25)"),
        (#"{"model":"m" "input":"a"}"#, "a ',' or '}' is missing (at byte 13)"),
        (#"{"model":"m","input":"a",}"#, "a key in quotes is expected (at byte 25)"),
        (#"{"model":"m","input":[01]}"#, "a ',' or ']' is missing (at byte 23)"),
        (#"{"model":"m","input":"\ud800"}"#, "an unpaired surrogate is no character (at byte 28)"),
        ("\u{FEFF}{}", "a value is expected (at byte 0)"),
    ])
    func refusesWhatIsNotJSON(body: String, problem: String) {
        expectRefusal(body, .invalidJSON, nil, "The body is not valid JSON: \(problem).")
    }

    @Test func refusesInvalidUTF8AndDeepNesting() {
        #expect {
            try EmbeddingsRequest(
                parsing: Array(#"{"model":"m","input":""#.utf8) + [0xFF] + Array("\"}".utf8),
                inputsMaximum: 1)
        } throws: { ($0 as? APIError)?.code == .invalidJSON }
        let deep = String(repeating: "[", count: 100_000)
        #expect { try parse(#"{"x":\#(deep)"#) } throws: { ($0 as? APIError)?.code == .invalidJSON }
    }

    @Test(arguments: ["[]", "\"a\"", "1", "null", "true"])
    func refusesABodyThatIsNoObject(body: String) {
        #expect { try parse(body) } throws: {
            let error = $0 as? APIError
            return error?.code == .invalidType && error?.parameter == nil
                && error?.message.hasPrefix("The body must be a JSON object") == true
        }
    }

    @Test(
        arguments: [
            (#""model":"m""#, .missingParameter, "input"),
            (#""input":"a""#, .missingParameter, "model"),
            (#""input":"a","model":null"#, .invalidType, "model"),
            (#""input":"a","model":7"#, .invalidType, "model"),
            (#""input":"a","model":"m","model":"m""#, .invalidValue, "model"),
            (#""input":"a","model":"m","input":"b""#, .invalidValue, "input"),
            (#""input":"a","model":"m","user":"a","user":"b""#, .invalidValue, "user"),
            (#""input":"","model":"m""#, .invalidValue, "input"),
            (#""input":[],"model":"m""#, .invalidValue, "input"),
            (#""input":null,"model":"m""#, .invalidType, "input"),
            (#""input":{},"model":"m""#, .invalidType, "input"),
            (#""input":1,"model":"m""#, .invalidType, "input"),
            (#""input":["a",""],"model":"m""#, .invalidValue, "input[1]"),
            (#""input":["a",1],"model":"m""#, .invalidType, "input[1]"),
            (#""input":["a",null],"model":"m""#, .invalidType, "input[1]"),
            (#""input":["a",["b"]],"model":"m""#, .invalidType, "input[1]"),
            (#""input":[true],"model":"m""#, .invalidType, "input[0]"),
            (#""input":[[]],"model":"m""#, .invalidValue, "input[0]"),
            (#""input":[[1],2],"model":"m""#, .invalidType, "input[1]"),
            (#""input":[["a"]],"model":"m""#, .invalidType, "input[0][0]"),
            (#""input":[1,"a"],"model":"m""#, .invalidType, "input[1]"),
            (#""input":[1,-1],"model":"m""#, .invalidValue, "input[1]"),
            (#""input":[1.5],"model":"m""#, .invalidValue, "input[0]"),
            (#""input":[1e-2],"model":"m""#, .invalidValue, "input[0]"),
            (#""input":[2147483648],"model":"m""#, .invalidValue, "input[0]"),
            (#""input":[99999999999999999999],"model":"m""#, .invalidValue, "input[0]"),
            (#""input":[[7],[1,-1]],"model":"m""#, .invalidValue, "input[1][1]"),
            (#""input":"a","model":"m","encoding_format":"hex""#, .invalidValue, "encoding_format"),
            (#""input":"a","model":"m","encoding_format":1"#, .invalidType, "encoding_format"),
            (#""input":"a","model":"m","dimensions":"64""#, .invalidType, "dimensions"),
            (#""input":"a","model":"m","dimensions":6.5"#, .invalidValue, "dimensions"),
            (#""input":"a","model":"m","dimensions":1e400"#, .invalidValue, "dimensions"),
            (#""input":"a","model":"m","truncate":"yes""#, .invalidType, "truncate"),
            (#""input":"a","model":"m","truncate":1"#, .invalidType, "truncate"),
            (#""input":"a","model":"m","user":5"#, .invalidType, "user"),
        ] as [(String, APIError.Code, String)])
    func refusesAndNamesTheField(fields: String, code: APIError.Code, parameter: String) {
        expectRefusal("{\(fields)}", code, parameter, nil)
    }

    @Test func saysWhatIsExpected() {
        expectRefusal(
            #"{"model":"m","input":true}"#, .invalidType, "input",
            "'input' must be a string, an array of strings, an array of token ids, or an array of "
                + "arrays of token ids, not a boolean.")
        expectRefusal(
            #"{"model":"m","input":["a",[1]]}"#, .invalidType, "input[1]",
            "'input[1]' must be a string like the first element, not an array.")
        let long = String(repeating: "x", count: 10_000)
        #expect {
            try parse(#"{"model":"m","input":"a","encoding_format":"\#(long)"}"#)
        } throws: { (($0 as? APIError)?.message.utf8.count ?? .max) < 200 }
    }

    /// Expects a 400 with this code, parameter and, when given, message.
    private func expectRefusal(
        _ body: String, _ code: APIError.Code, _ parameter: String?, _ message: String?,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        do {
            let request = try parse(body)
            Issue.record("taken as \(request)", sourceLocation: sourceLocation)
        } catch {
            #expect(error.status.code == 400, sourceLocation: sourceLocation)
            #expect(error.kind == .invalidRequest, sourceLocation: sourceLocation)
            #expect(error.code == code, sourceLocation: sourceLocation)
            #expect(error.parameter == parameter, sourceLocation: sourceLocation)
            if let message { #expect(error.message == message, sourceLocation: sourceLocation) }
        }
    }

    /// To JSON Schema and to JavaScript a number is whole by its value, not by its spelling.
    @Test(arguments: ["[7,100]", "[7.0,1e2]", "[7,100.00]"])
    func takesWholeNumbersInEverySpelling(ids: String) throws {
        let body = Array(#"{"model":"m","input":\#(ids)}"#.utf8)
        let request = try EmbeddingsRequest(parsing: body, inputsMaximum: 8)
        #expect(request.inputs == [.tokenIDs([7, 100])])
    }
}
