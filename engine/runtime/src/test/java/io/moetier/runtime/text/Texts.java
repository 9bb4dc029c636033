package io.moetier.runtime.text;

import io.moetier.storage.format.Json;
import io.moetier.storage.format.JsonObject;
import io.moetier.testdata.TestData;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// The texts and the tokenizer that the tests of this package share.
final class Texts {
    static final Path TOKENIZER_JSON = TestData.tinyMixtral().resolve("tokenizer.json");
    static final Path TOKENIZER_MODEL = TestData.tinyMixtral().resolve("tokenizer.model");
    static final Path TOKENIZER_CONFIG = TestData.tinyMixtral().resolve("tokenizer_config.json");

    /// Where the native library is unpacked.
    static final Path NATIVE = Path.of("target", "native");

    static final List<String> DIVERSE = List.of(
            "",
            " ",
            "  ",
            "a",
            " a",
            "   three blanks before",
            "blanks after   ",
            "two  blanks   three    four",
            "\n",
            "\n\n\n",
            "line\nline\r\nline\ttab",
            "0",
            "1234567890",
            "3.14159 and -2,718",
            "1 + 1 = 2; 12 * 12 = 144",
            "Hello, world!",
            "HELLO WORLD",
            "don't can't won't",
            "“curly” ‘quotes’ — dashes – …",
            "日本語の文章です。",
            "昔々、ある所に、お爺さんとお婆さんがいました。",
            "カタカナ ひらがな 漢字 ｶﾅ",
            "中文 한국어 ไทย العربية עברית",
            "Привет мир",
            "Ελληνικά",
            "naïve café façade Ångström",
            "e\u0301 combining",
            "😀",
            "😀😃😄 smiles",
            "👩‍👩‍👧‍👦 family 🏳️‍🌈 flag",
            "mixed 日本 and 😀 and text",
            "\u00a0no-break\u3000wide",
            "▁ the blank's own sign ▁▁",
            "public static void main(String[] args) {\n    System.out.println(\"hi\");\n}\n",
            "def f(x):\n\treturn x ** 2  # square\n",
            "for (int i = 0; i < n; i++) { sum += a[i] * b[i]; }",
            "{\"key\": [1, 2, {\"nested\": null}]}",
            "https://example.org/path?query=1&other=%20#part",
            "<unk> is not a word",
            "x\u0000y\u0007z",
            "\uFFFD",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "the the the the the the the the",
            "word ".repeat(700));

    private Texts() {}

    static Tokenizer tokenizer() {
        return Tokenizer.open(TOKENIZER_JSON, Optional.of(TOKENIZER_CONFIG), NATIVE);
    }

    static List<JsonObject> referenceCases() {
        return Json.readObject(TestData.tinyMixtral().resolve("reference.json")).requireObjects("cases");
    }

    static int[] ints(JsonObject json, String key) {
        return json.optionalInts(key).orElseThrow().stream()
                .mapToInt(Integer::intValue)
                .toArray();
    }
}
