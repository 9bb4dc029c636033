package io.moetier.runtime.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// How a text is cut into words before pairs are merged, which GGUF files name in `tokenizer.ggml.pre`.
///
/// The steps are those of the `tokenizer.json` that the models of that name were published with. No merge crosses a
/// cut, so a wrong one gives tokens that decode to the same text and that the model has hardly seen.
///
/// @param nfc whether characters are composed first, as in Unicode's form NFC
/// @param steps components of `tokenizer.json`, the last of which writes bytes as characters
/// @param ignoreMerges whether a word that is a token is taken whole, be there merges that make it or not
/// @param addsBos whether a text has a first token unless the file says otherwise
record PreTokenizer(boolean nfc, List<Map<String, ?>> steps, boolean ignoreMerges, boolean addsBos) {
    private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private static final String SIGNS = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*";
    private static final String LINES = "\\s*[\\r\\n]+";
    private static final String BLANKS = "\\s+(?!\\S)|\\s+";

    // cl100k_base of tiktoken: digits by three. Qwen's differs in taking them one by one.
    private static final String LETTERS = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
    private static final String CL100K = either(CONTRACTIONS, LETTERS, "\\p{N}{1,3}", SIGNS, LINES, BLANKS);
    private static final String QWEN2 = either(CONTRACTIONS, LETTERS, "\\p{N}", SIGNS, LINES, BLANKS);
    private static final String QWEN35 = either(
            CONTRACTIONS,
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+",
            "\\p{N}",
            " ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*",
            LINES,
            BLANKS);
    private static final String BAILING = either(
            "'(?i:[sdmt]|ll|ve|re)",
            "[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+",
            "\\p{N}",
            " ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*",
            "\\s*[\\r\\n]",
            BLANKS);
    private static final String EXAONE = either(
            CONTRACTIONS,
            "[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+",
            "\\p{N}",
            " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?",
            "\\s*[\\r\\n]",
            BLANKS);

    // o200k_base of tiktoken: a word is capitals, then small letters.
    private static final String UPPER = "\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}";
    private static final String LOWER = "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}";
    private static final String PATHS = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*";
    private static final String O200K =
            either(capitalised("", CONTRACTIONS + "?"), "\\p{N}{1,3}", PATHS, LINES, BLANKS);
    private static final String TEKKEN = either(capitalised("", ""), "\\p{N}", PATHS, LINES, BLANKS);
    private static final String KIMI = either(
            "[\\p{Han}]+", capitalised("&&[^\\p{Han}]", CONTRACTIONS + "?"), "\\p{N}{1,3}", SIGNS, LINES, BLANKS);

    private static final String DEEPSEEK_V3 = either(
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+",
            "[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+", " ?[\\p{P}\\p{S}]+[\\r\\n]*", LINES, BLANKS);
    // Groups of three, of which the first may be shorter.
    private static final String THREES = "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))";
    private static final String CHINESE_TO_HANGUL = characters("4E00-9FFF 3400-4DBF F900-FAFF 3040-309F 30A0-30FF "
                    + "FF65-FF9F 2F00-2FDF 0E40-0E7F 0E80-0EFF 1780-17FF 1000-109F AA60-AA7F A9E0-A9FF AC00-D7AF "
                    + "1100-11FF")
            + "+";
    private static final String CHINESE_AND_KANA = characters("4E00-9FA5 3040-309F 30A0-30FF") + "+";
    private static final String CHINESE_TO_KOREAN = characters("4E00-9FA5 0800-4E00 AC00-D7FF") + "+";

    // DeepSeek's first models spell out the letters of scripts with two cases.
    private static final String CASED = characters("41-5A 61-7A B5 C0-D6 D8-F6 F8-1BA 1BC-1BF 1C4-293 295-2AF 370-373 "
            + "376 377 37B-37D 37F 386 388-38A 38C 38E-3A1 3A3-3F5 3F7-481 48A-52F 531-556 10A0-10C5 13A0-13F5 "
            + "13F8-13FD 1C90-1CBA 1CBD-1CBF 1D00-1D2B 1D6B-1D77 1D79-1D9A 1E00-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D "
            + "1F50-1F57 1F59 1F5B 1F5D 1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE 1FC2-1FC4 1FC6-1FCC 1FD0-1FD3 1FD6-1FDB "
            + "1FE0-1FEC 1FF2-1FF4 1FF6-1FFC 2102 2107 210A-2113 2115 2119-211D 2124 2126 2128 212A-212D 212F-2134 "
            + "2139 213C-213F 2145-2149 214E 2183 2184 2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2 2CF3 A640-A66D A680-A69B "
            + "A722-A76F A771-A787 A78B-A78E AB70-ABBF FB00-FB06 FB13-FB17 FF21-FF3A FF41-FF5A 10400-1044F "
            + "104B0-104D3 104D8-104FB 10C80-10CB2 10CC0-10CF2 118A0-118DF 1E900-1E943");
    private static final String PUNCTUATION = characters("21-2F 3A-7E FF01-FF0F FF1A-FF5E 2018-201F 3000-3002");

    private static final Map<String, ?> DIGITS = Map.of("type", "Digits", "individual_digits", true);
    private static final Map<String, ?> BYTES = bytes(false);
    private static final Map<String, ?> GPT2 = bytes(true);

    // What llama.cpp does to a file that names nothing better; it is close to Falcon's cut.
    private static final PreTokenizer UNNAMED = new PreTokenizer(
            false,
            splits(
                    "[\\p{P}$+<=>^~|]+",
                    either("'s|'t|'re|'ve|'m|'ll|'d", " ?\\p{L}+", " ?\\p{N}+", " ?[^\\s\\p{L}\\p{N}]+", BLANKS),
                    "\\p{N}+",
                    "[0-9][0-9][0-9]"),
            false,
            false);
    private static final PreTokenizer PLAIN = new PreTokenizer(false, List.of(GPT2), false, false);
    private static final PreTokenizer NEOX = new PreTokenizer(true, List.of(GPT2), false, false);
    private static final PreTokenizer STARCODER = new PreTokenizer(false, List.of(DIGITS, GPT2), false, false);
    private static final PreTokenizer V3 =
            new PreTokenizer(false, splits("\\p{N}{1,3}", CHINESE_AND_KANA, DEEPSEEK_V3), false, false);
    private static final PreTokenizer MISTRAL = new PreTokenizer(false, splits(TEKKEN), true, true);
    private static final PreTokenizer LLAMA3 = new PreTokenizer(false, splits(CL100K), true, true);

    private static final Map<String, PreTokenizer> BY_NAME = new TreeMap<>(Map.ofEntries(
            Map.entry("afmoe", new PreTokenizer(false, splits(THREES, CHINESE_TO_HANGUL, DEEPSEEK_V3), false, false)),
            Map.entry("bailingmoe", plain(BAILING)),
            Map.entry("bailingmoe2", plain(BAILING)),
            Map.entry("chatglm-bpe", whole(CL100K)),
            Map.entry("dbrx", plain(CL100K)),
            Map.entry("deepseek-coder", deepSeek("\\s?\\p{L}+", "\\s?\\p{P}+", CHINESE_TO_KOREAN)),
            Map.entry(
                    "deepseek-llm",
                    deepSeek("\\s?" + CASED + "+", "\\s?" + PUNCTUATION + "+", "\\s+$", CHINESE_TO_KOREAN)),
            Map.entry("deepseek-r1-qwen", composed(QWEN2)),
            Map.entry("deepseek-v3", V3),
            Map.entry("default", UNNAMED),
            Map.entry("exaone-moe", plain(EXAONE)),
            Map.entry("gigachat", PLAIN),
            Map.entry("glm4", whole(CL100K)),
            Map.entry("gpt-2", PLAIN),
            Map.entry("gpt-4o", whole(O200K)),
            Map.entry("grok-2", plain(QWEN2)),
            Map.entry("hunyuan", plain(QWEN2)),
            Map.entry("hunyuan-dense", V3),
            Map.entry("joyai-llm", V3),
            Map.entry("kanana2", plain(O200K)),
            Map.entry("kimi-k2", whole(KIMI)),
            Map.entry("lfm2", LLAMA3),
            Map.entry("llada-moe", plain(BAILING)),
            Map.entry("llama-bpe", LLAMA3),
            Map.entry("llama-v3", LLAMA3),
            Map.entry("llama3", LLAMA3),
            Map.entry("llama4", whole(O200K)),
            Map.entry("megrez", composed(QWEN2)),
            Map.entry("minimax-m2", plain(O200K)),
            Map.entry("mpt", NEOX),
            Map.entry("olmo", NEOX),
            Map.entry("phi-2", PLAIN),
            Map.entry("pixtral", MISTRAL),
            Map.entry("qwen2", composed(QWEN2)),
            Map.entry("qwen35", composed(QWEN35)),
            Map.entry("refact", STARCODER),
            Map.entry("smaug-bpe", plain(CL100K)),
            Map.entry("smollm", STARCODER),
            Map.entry("solar-open", plain(QWEN2)),
            Map.entry("starcoder", STARCODER),
            Map.entry("tekken", MISTRAL)));

    /// Returns the pre-tokenizer of a name, empty if no published model is known to go by it.
    static Optional<PreTokenizer> named(String name) {
        return Optional.ofNullable(BY_NAME.get(name));
    }

    /// Returns the names, in alphabetical order and with commas.
    static String names() {
        return String.join(", ", BY_NAME.keySet());
    }

    private static PreTokenizer plain(String pattern) {
        return new PreTokenizer(false, splits(pattern), false, false);
    }

    private static PreTokenizer composed(String pattern) {
        return new PreTokenizer(true, splits(pattern), false, false);
    }

    /// A vocabulary converted from tiktoken, which looks a word up before it merges.
    private static PreTokenizer whole(String pattern) {
        return new PreTokenizer(false, splits(pattern), true, false);
    }

    private static PreTokenizer deepSeek(String... patterns) {
        List<Map<String, ?>> steps = new ArrayList<>(List.of(split("[\\r\\n]")));
        for (String pattern : patterns) {
            steps.add(split(pattern));
        }
        steps.add(DIGITS);
        steps.add(BYTES);
        return new PreTokenizer(false, List.copyOf(steps), false, false);
    }

    private static List<Map<String, ?>> splits(String... patterns) {
        List<Map<String, ?>> steps = new ArrayList<>();
        for (String pattern : patterns) {
            steps.add(split(pattern));
        }
        steps.add(BYTES);
        return List.copyOf(steps);
    }

    private static Map<String, ?> split(String pattern) {
        return Map.of("type", "Split", "pattern", Map.of("Regex", pattern), "behavior", "Isolated", "invert", false);
    }

    private static Map<String, ?> bytes(boolean splits) {
        return Map.of("type", "ByteLevel", "add_prefix_space", false, "trim_offsets", true, "use_regex", splits);
    }

    private static String capitalised(String except, String ending) {
        String upper = "[" + UPPER + except + "]";
        String lower = "[" + LOWER + except + "]";
        String before = "[^\\r\\n\\p{L}\\p{N}]?";
        return either(before + upper + "*" + lower + "+" + ending, before + upper + "+" + lower + "*" + ending);
    }

    private static String either(String... patterns) {
        return String.join("|", patterns);
    }

    /// Returns the class of characters in ranges of hexadecimal numbers.
    private static String characters(String ranges) {
        StringBuilder pattern = new StringBuilder("[");
        for (String range : ranges.split(" ", -1)) {
            pattern.append("\\x{").append(range.replace("-", "}-\\x{")).append('}');
        }
        return pattern.append(']').toString();
    }
}
