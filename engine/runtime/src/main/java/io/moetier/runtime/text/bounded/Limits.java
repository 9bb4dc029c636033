package io.moetier.runtime.text.bounded;

/// Where the tokenizer library must not go, with room to spare.
final class Limits {
    /// Oniguruma gives up, and the library ends the process, when one attempt to match has gone back 10,000,000 times.
    static final double STEPS_PER_ATTEMPT = 4e6;

    /// Some seconds: an idle core of 2025 goes back some 200,000,000 times a second.
    static final double STEPS_PER_TEXT = 1e9;

    /// The steps of an attempt that no text raises. Published patterns take up to a hundred.
    static final double CONSTANT_STEPS = 1000;

    /// How many times longer normalizers may make a text. One character has at most 18 in Unicode's form NFKC.
    static final double GROWTH = 1000;

    /// Characters that the library sees at once.
    static final int CHARACTERS = 1 << 20;

    /// Characters that its normalizers may make of them; each takes some 200 bytes there.
    static final int NORMALIZED_CHARACTERS = 1 << 22;

    /// Tokens that are found in a text before it is normalized; each is compared with each other.
    static final int ADDED_TOKENS = 30_000;

    /// Characters of such a token, or of a text that is looked for.
    static final int CHARACTERS_OF_A_MARK = 1000;

    /// Characters of a piece of a unigram vocabulary, which are looked at again at each place of a text.
    static final int CHARACTERS_OF_A_PIECE = 1000;

    private Limits() {}
}
