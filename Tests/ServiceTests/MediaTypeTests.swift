import Service
import Testing

struct MediaTypeTests {
    @Test(arguments: [
        "application/json", "Application/JSON", "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"", "application/json ; a=b", "application/json;",
        "application/vnd.api+json", "text/x+json",
    ])
    func takesJSON(_ value: String) {
        #expect(MediaType.isJSON(Array(value.utf8)[...]))
    }

    @Test(arguments: [
        "", ";", "json", "text/plain", "text/json", "application/json2", "application/json-seq",
        "application/x-www-form-urlencoded", "appli cation/json", "application/ json", "*/*",
        "application/json, text/plain", "application/+json", "/a+json", "a/b/c+json", "a/b c+json",
        "application/xml; a=application/json",
    ])
    func takesNothingElse(_ value: String) {
        #expect(!MediaType.isJSON(Array(value.utf8)[...]))
    }
}
