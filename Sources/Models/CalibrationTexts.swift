/// Texts that show an encoder ordinary inputs, to find the range of its activations.
///
/// The vectors of int8 depend on them slightly, so they never change for a given release. They cover
/// prose, questions, titles, code, numbers, and a few languages, at several lengths.
package enum CalibrationTexts {
    package static let all: [String] = [
        "A man is playing a guitar on a small stage.",
        "What is the capital of France, and how many people live there?",
        "how to cancel a subscription",
        "The bank raised its interest rates by a quarter of a point on Thursday, citing stubborn "
            + "inflation and a labour market that has cooled less than expected. Analysts had been "
            + "divided over the decision, and the currency rose against the dollar in early trading.",
        "They sat on the river bank and watched the boats go by until the sun went down.",
        "Photosynthesis is the process by which plants, algae and some bacteria convert light into "
            + "chemical energy, storing it in sugars made from carbon dioxide and water. Oxygen is "
            + "released as a by-product, and nearly all life on Earth depends on it.",
        "Error: connection refused (127.0.0.1:5432). Is the server running?",
        "func add(_ a: Int, _ b: Int) -> Int { return a + b } // adds two whole numbers",
        "Invoice no. 2023-0417: 12 x A4 paper, 3.49 each; 2 x toner, 89.90 each; total 221.68 EUR.",
        "Two dogs run through the snow.",
        "The patient was given 50 mg twice daily and showed no adverse effects after six weeks.",
        "I bought these shoes last month and the sole is already coming off. Very disappointed, "
            + "would not buy again!",
        "Der schnelle braune Fuchs springt \u{FC}ber den faulen Hund.",
        "La biblioth\u{E8}que municipale sera ferm\u{E9}e lundi et mardi.",
        "Breaking: storm warning for the coast; ferries cancelled",
        "In 1969, Neil Armstrong and Buzz Aldrin became the first people to walk on the Moon, while "
            + "Michael Collins stayed in orbit above them. The landing was watched by hundreds of "
            + "millions of people around the world and ended a race that had begun with Sputnik.",
        "chocolate cake recipe without eggs",
        "Pursuant to section 4, the tenant shall give notice in writing not less than thirty days "
            + "before the end of the term.",
        "lol that was so funny :) see u tmrw",
        "The theorem states that every bounded sequence of real numbers has a convergent "
            + "subsequence.",
    ]
}
