package io.moetier.lab.synthetic;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A byte-level BPE tokenizer that can write any text, with few merges: of two lower-case letters, or of a blank and
/// one. Unused tokens fill it up to the size asked for; the last is the end of a text.
final class SmallVocabulary {
    private static final int NORMAL = 1;
    private static final int CONTROL = 3;
    private static final int UNUSED = 5;
    private static final int BYTES = 256;
    private static final int LETTERS = 'z' - 'a' + 1;
    private static final char BLANK = 'Ġ';
    static final int LEAST_SIZE = BYTES + LETTERS * (LETTERS + 1) + 1;

    private final List<String> tokens = new ArrayList<>();
    private final List<String> merges = new ArrayList<>();
    private final List<Integer> types = new ArrayList<>();

    SmallVocabulary(int size) {
        for (int value = 0; value < BYTES; value++) {
            add(String.valueOf(character(value)), NORMAL);
        }
        for (char left = 'a'; left <= 'z'; left++) {
            merge(BLANK, left);
            for (char right = 'a'; right <= 'z'; right++) {
                merge(left, right);
            }
        }
        while (tokens.size() < size - 1) {
            add("<|unused_" + tokens.size() + "|>", UNUSED);
        }
        add("<|endoftext|>", CONTROL);
    }

    /// Returns the metadata of a GGUF file for this tokenizer.
    Map<String, Object> metadata() {
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("tokenizer.ggml.model", "gpt2");
        metadata.put("tokenizer.ggml.pre", "olmo");
        metadata.put("tokenizer.ggml.tokens", tokens);
        metadata.put("tokenizer.ggml.token_type", types);
        metadata.put("tokenizer.ggml.merges", merges);
        metadata.put("tokenizer.ggml.eos_token_id", tokens.size() - 1);
        metadata.put("tokenizer.ggml.add_bos_token", false);
        return metadata;
    }

    private void merge(char left, char right) {
        merges.add(left + " " + right);
        add(String.valueOf(left) + right, NORMAL);
    }

    private void add(String token, int type) {
        tokens.add(token);
        types.add(type);
    }

    /// The printable character by which GPT-2 writes a byte: itself, or for the others the next one from 256 on.
    private static char character(int value) {
        if (isPrintable(value)) {
            return (char) value;
        }
        int shift = 0;
        for (int lower = 0; lower < value; lower++) {
            shift += isPrintable(lower) ? 0 : 1;
        }
        return (char) (BYTES + shift);
    }

    private static boolean isPrintable(int value) {
        return (value >= '!' && value <= '~') || (value >= '¡' && value <= 'ÿ' && value != 0xAD);
    }
}
