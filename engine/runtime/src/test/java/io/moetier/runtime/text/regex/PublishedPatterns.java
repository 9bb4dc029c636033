package io.moetier.runtime.text.regex;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/// Patterns that models were published with, by the model that they are known from.
public final class PublishedPatterns {
    private static final String CASELESS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private static final String REST = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String LETTERS = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
    private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
    private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
    private static final String BEFORE = "[^\\r\\n\\p{L}\\p{N}]?";

    private PublishedPatterns() {}

    /// Returns those that cut a text into words.
    public static Map<String, String> words() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("GPT-2", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");
        all.put("Llama-3", CASELESS + "|" + LETTERS + "|\\p{N}{1,3}" + REST);
        all.put("Qwen2", CASELESS + "|" + LETTERS + "|\\p{N}" + REST);
        all.put(
                "tiktoken",
                "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|"
                        + "\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s");
        all.put("GPT-OSS", o200k("", CASELESS + "?", "\\p{N}{1,3}", "[\\r\\n/]*"));
        all.put("Tekken", o200k("", "", "\\p{N}", "[\\r\\n/]*"));
        all.put("Kimi K2", "[\\p{Han}]+|" + o200k("&&[^\\p{Han}]", CASELESS + "?", "\\p{N}{1,3}", "[\\r\\n]*"));
        all.put(
                "DeepSeek-V3",
                "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"
                        + " ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");
        all.put(
                "EXAONE",
                CASELESS + "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}|"
                        + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+");
        all.put("BLOOM", " ?[^(\\s|[.,!?…。，、।۔،])]+");
        all.put("CLIP", "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+");
        return all;
    }

    /// Returns the one of a model that cuts a text into words.
    public static String wordsOf(String model) {
        return Objects.requireNonNull(words().get(model));
    }

    /// Returns those that cut only here and there, before or after others.
    public static Map<String, String> parts() {
        Map<String, String> all = new LinkedHashMap<>();
        all.put("DeepSeek-V3, digits", "\\p{N}{1,3}");
        all.put("DeepSeek-V3, Chinese and kana", "[\\x{4E00}-\\x{9FA5}\\x{3040}-\\x{309F}\\x{30A0}-\\x{30FF}]+");
        all.put("DeepSeek-V2, lines", "[\\r\\n]");
        all.put("DeepSeek-V2, letters", "\\s?\\p{L}+");
        all.put("DeepSeek-V2, signs", "\\s?\\p{P}+");
        all.put("DeepSeek-V2, Chinese and Korean", "[一-龥ࠀ-一가-퟿]+");
        all.put("DeepSeek-LLM, ends", "\\s+$");
        all.put("Falcon, digits", "[0-9][0-9][0-9]");
        all.put("llama.cpp, signs", "[\\p{P}$+<=>^~|]+");
        all.put("AFM, digits", "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?:\\P{N}|$))");
        all.put("SuperBPE, digits", "(?=(\\d{3})+(?!\\d))");
        return all;
    }

    /// Returns those that normalizers replace.
    public static Map<String, String> replaced() {
        return Map.of("SentencePiece", " {2,}", "CLIP", "\\s+");
    }

    private static String o200k(String except, String ending, String digits, String lines) {
        String upper = UPPER.substring(0, UPPER.length() - 1) + except + "]";
        String lower = LOWER.substring(0, LOWER.length() - 1) + except + "]";
        return BEFORE + upper + "*" + lower + "+" + ending + "|" + BEFORE + upper + "+" + lower + "*" + ending + "|"
                + digits + "| ?[^\\s\\p{L}\\p{N}]+" + lines + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    }
}
