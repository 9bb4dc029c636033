package io.moetier.cli.hostile;

import io.moetier.storage.format.Json;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// `tokenizer.json`: patterns that backtrack without end, normalizers that multiply, vocabularies with holes; and texts
/// that sound patterns and vocabularies find hard.
final class TokenizerInputs {
    private static final String GREETING = "Hello aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
    private static final int HUGE = 12_000_000;
    private static final String LLAMA_3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
            + " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    private final InputFolder folder;

    private TokenizerInputs(InputFolder folder) {
        this.folder = folder;
    }

    static List<HostileInput> in(Path path) {
        TokenizerInputs inputs = new TokenizerInputs(new InputFolder(path));
        inputs.addAll();
        return inputs.folder.inputs();
    }

    private void addAll() {
        change("sound", tokenizer -> {});
        JsonTexts.hostile(Json.write(TextModel.tokenizer())).forEach(this::add);
        models();
        vocabularies();
        patterns();
        normalizers();
        texts();
    }

    private void models() {
        change("model-none", tokenizer -> tokenizer.remove("model"));
        model("model-type", model -> model.put("type", "Evil"));
        model("dropout", model -> model.put("dropout", 7));
        model("merges-of-four", model -> model.put("merges", List.of("a b c d", "zz")));
        model("merges-unknown", model -> model.put("merges", List.of("qqq zzz")));
        model("unigram-unk", model -> {
            model.clear();
            model.putAll(Map.of("type", "Unigram", "unk_id", 1 << 30, "vocab", List.of(List.of("a", 0.0))));
        });
        model("unigram-not-finite", model -> {
            model.clear();
            model.putAll(
                    Map.of("type", "Unigram", "unk_id", 0, "vocab", List.of(List.of("a", -1e308), List.of("", 1e308))));
        });
        model("word-piece", model -> {
            model.clear();
            model.putAll(Map.of("type", "WordPiece", "unk_token", "none", "vocab", Map.of("a", 0)));
        });
        model("word-level", model -> {
            model.clear();
            model.putAll(Map.of("type", "WordLevel", "unk_token", "none", "vocab", Map.of("a", 0)));
        });
    }

    private void vocabularies() {
        model("id-negative", model -> JsonTexts.object(model, "vocab").put("zzz", -5));
        model("id-huge", model -> JsonTexts.object(model, "vocab").put("zzz", 4_000_000_000L));
        model("id-beyond", model -> JsonTexts.object(model, "vocab").put("zzz", 100_000));
        model("vocabulary-small", model -> {
            model.put("vocab", Map.of("a", 0));
            model.put("merges", List.of());
        });
        model("vocabulary-empty", model -> {
            model.put("vocab", Map.of());
            model.put("merges", List.of());
        });
        change("added-beyond", tokenizer -> tokenizer.put("added_tokens", List.of(added(999_999, "<s>"))));
        change("added-empty", tokenizer -> tokenizer.put("added_tokens", List.of(added(3, ""))));
        change("added-escape", tokenizer -> tokenizer.put("added_tokens", List.of(added(3, "\u001b[31m"))));
        change(
                "post-processor",
                tokenizer -> tokenizer.put(
                        "post_processor",
                        Map.of(
                                "type", "TemplateProcessing",
                                "single", List.of(Map.of("SpecialToken", Map.of("id", "<none>", "type_id", 0))),
                                "pair", List.of(),
                                "special_tokens", Map.of())));
    }

    private void patterns() {
        split("backtracks", "(a+)+$|(?:(x+x+)+y)");
        split("nested", "((a*)*)*$");
        split("unclosed", "((((");
        split("nothing", "");
        split("empty-alternatives", "(|a|)+$");
        split("counted", "(a{1,30000}){1,30000}$");
        split("back-reference", "(.*)\\1+$");
        split("look-behind", "(?<=a+)b");
        split("recursion", "(?<r>a\\g<r>?b)+");
        split("long", "a?".repeat(5_000) + "a".repeat(5_000));
        split("unknown-class", "\\p{Evil}+");
        change("removed-all", tokenizer -> tokenizer.put("pre_tokenizer", splitBy(".*")));
    }

    private void normalizers() {
        normalizer("loop", Map.of("type", "Replace", "pattern", Map.of("Regex", "(.*)*"), "content", "$1$1"));
        Map<String, Object> hundred =
                Map.of("type", "Replace", "pattern", Map.of("String", "a"), "content", "a".repeat(100));
        normalizer("expands", Map.of("type", "Sequence", "normalizers", Collections.nCopies(5, hundred)));
        normalizer("empty-pattern", Map.of("type", "Replace", "pattern", Map.of("String", ""), "content", "x"));
        normalizer("charsmap", Map.of("type", "Precompiled", "precompiled_charsmap", "AAAAAAAAAAAA"));
        normalizer("charsmap-huge", Map.of("type", "Precompiled", "precompiled_charsmap", "/////w=="));
        normalizer("unknown", Map.of("type", "Evil"));
        normalizer("prepend-much", Map.of("type", "Prepend", "prepend", "x".repeat(1 << 20)));
        change(
                "decoder-strip",
                tokenizer -> tokenizer.put(
                        "decoder", Map.of("type", "Strip", "content", " ", "start", 1L << 40, "stop", 1L << 40)));
    }

    private void texts() {
        Path sound = model("texts", TextModel.tokenizer());
        Map<String, Object> llama = TextModel.tokenizer();
        llama.put("pre_tokenizer", splitBy(LLAMA_3));
        Path split = model("texts-split", llama);
        Map<String, String> texts = new LinkedHashMap<>();
        texts.put("blanks", "a" + " ".repeat(HUGE) + "b");
        texts.put("letters", "a".repeat(HUGE));
        texts.put("line-feeds", "\n".repeat(HUGE));
        texts.put("capitals", "A".repeat(HUGE));
        texts.put("marks", "e" + "\u0301".repeat(HUGE / 2));
        texts.put("emoji", "\ud83d\ude00".repeat(HUGE / 4));
        texts.put("words", "to be or not ".repeat(HUGE / 13));
        texts.put("control", "\u001b[31m\u0000\u0007".repeat(8));
        texts.forEach((name, text) -> {
            for (Path model : List.of(sound, split)) {
                Path file = folder.file(name + ".txt", text);
                folder.add(
                        model.getFileName() + "/" + name,
                        "run",
                        model.toString(),
                        "-n",
                        "2",
                        "--profile",
                        "none",
                        "-f",
                        file.toString());
            }
        });
    }

    private static Map<String, Object> added(int id, String content) {
        return Map.of(
                "id", id,
                "content", content,
                "special", true,
                "single_word", false,
                "lstrip", false,
                "rstrip", false,
                "normalized", false);
    }

    private static Map<String, Object> splitBy(String pattern) {
        return Map.of("type", "Split", "pattern", Map.of("Regex", pattern), "behavior", "Isolated", "invert", false);
    }

    private void split(String name, String pattern) {
        change("pattern-" + name, tokenizer -> tokenizer.put("pre_tokenizer", splitBy(pattern)));
    }

    private void normalizer(String name, Map<String, Object> normalizer) {
        change("normalizer-" + name, tokenizer -> tokenizer.put("normalizer", normalizer));
    }

    private void model(String name, Consumer<Map<String, Object>> change) {
        change(name, tokenizer -> change.accept(JsonTexts.object(tokenizer, "model")));
    }

    private void change(String name, Consumer<Map<String, Object>> change) {
        Map<String, Object> tokenizer = TextModel.tokenizer();
        change.accept(tokenizer);
        add(name, Json.write(tokenizer));
    }

    private void add(String name, String text) {
        Path model = TextModel.in(folder, name);
        InputFolder.replace(model, "tokenizer.json", text);
        folder.addText(name, model, GREETING);
    }

    private Path model(String name, Map<String, Object> tokenizer) {
        Path model = TextModel.in(folder, name);
        InputFolder.replace(model, "tokenizer.json", Json.write(tokenizer));
        return model;
    }
}
