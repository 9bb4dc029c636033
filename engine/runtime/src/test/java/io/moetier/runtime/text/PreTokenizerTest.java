package io.moetier.runtime.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PreTokenizerTest {
    /// Contractions in both cases, capitals inside a word, digits that are none of ASCII's, blanks before a word and
    /// before lines, two writing systems without blanks, a combining accent, a path, and blanks at the end.
    private static final String TEXT =
            "I'm DON'T camelCase 12345 x²½ go   on\r\n\n  x=日本語です!!\n" + "\tta\u0301b/path/ 昔 .com\u3000 ";

    private static final Map<Integer, Integer> BYTE_OF = new HashMap<>();

    static {
        for (int value = 0; value < 256; value++) {
            BYTE_OF.put(GgufMetadata.byteAsCharacter(value), value);
        }
    }

    /// The expected cuts are those of the published patterns, made by another engine of regular expressions.
    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '`', ignoreLeadingAndTrailingWhitespace = false, textBlock = """
gpt-2;I|'m| DON|'|T| camelCase| 12345| x|²½| go|  | on|␍␊␊ | x|=|日本語です|!!|␊|␉|ta|◌|b|/|path|/| 昔| .|com|⬚␠
gigachat;I|'m| DON|'|T| camelCase| 12345| x|²½| go|  | on|␍␊␊ | x|=|日本語です|!!|␊|␉|ta|◌|b|/|path|/| 昔| .|com|⬚␠
olmo;I|'m| DON|'|T| camelCase| 12345| x|²½| go|  | on|␍␊␊ | x|=|日本語です|!!|␊|␉|táb|/|path|/| 昔| .|com|⬚␠
smollm;I|'m| DON|'|T| camelCase| |1|2|3|4|5| x|²|½| go|  | on|␍␊␊ | x|=|日本語です|!!|␊|␉|ta|◌|b|/|path|/| 昔| .|com|⬚␠
llama-bpe;I|'m| DON|'T| camelCase| |123|45| x|²½| go|  | on|␍␊␊| | x|=日本語です|!!␊|␉ta|◌b|/path|/| 昔| .|com|⬚␠
glm4;I|'m| DON|'T| camelCase| |123|45| x|²½| go|  | on|␍␊␊| | x|=日本語です|!!␊|␉ta|◌b|/path|/| 昔| .|com|⬚␠
qwen2;I|'m| DON|'T| camelCase| |1|2|3|4|5| x|²|½| go|  | on|␍␊␊| | x|=日本語です|!!␊|␉táb|/path|/| 昔| .|com|⬚␠
qwen35;I|'m| DON|'T| camelCase| |1|2|3|4|5| x|²|½| go|  | on|␍␊␊| | x|=日本語です|!!␊|␉táb|/path|/| 昔| .|com|⬚␠
deepseek-v3;I|'m| DON|'T| camelCase| |123|45| x|²½| go|  | on|␍␊␊| | x|=|日本語です|!!␊|␉ta◌b|/path|/| |昔| .|com|⬚␠
gpt-4o;I'm| DON'T| camel|Case| |123|45| x|²½| go|  | on|␍␊␊| | x|=日本語です|!!␊|␉ta◌b|/path|/| 昔| .|com|⬚␠
minimax-m2;I'm| DON'T| camel|Case| |123|45| x|²½| go|  | on|␍␊␊| | x|=日本語です|!!␊|␉ta◌b|/path|/| 昔| .|com|⬚␠
tekken;I|'m| DON|'T| camel|Case| |1|2|3|4|5| x|²|½| go|  | on|␍␊␊| | x|=日本語です|!!␊|␉ta◌b|/path|/| 昔| .|com|⬚␠
kimi-k2;I'm| DON'T| camel|Case| |123|45| x|²½| go|  | on|␍␊␊| | x|=|日本語|です|!!␊|␉ta◌b|/path|/| |昔| .|com|⬚␠
pixtral;I|'m| DON|'T| camel|Case| |1|2|3|4|5| x|²|½| go|  | on|␍␊␊| | x|=日本語です|!!␊|␉ta◌b|/path|/| 昔| .|com|⬚␠
afmoe;I|'m| DON|'T| camelCase| |12|345| x|²½| go|  | on|␍␊␊| | x|=|日本語です|!!␊|␉ta◌b|/path|/| |昔| .|com|⬚␠
bailingmoe2;I|'m| DON|'T| camelCase| |1|2|3|4|5| x|²|½| go|  | on|␍␊␊| | x|=日本語です|!!␊|␉ta|◌b|/path|/| 昔| .|com|⬚␠
exaone-moe;I|'m| DON|'T| camelCase| |1|2|3|4|5| x|²|½| go|  | on|␍␊␊| | x|=日本語です|!!␊|␉ta◌b|/path|/| 昔| .|com|⬚␠
deepseek-coder;I|'|m| DON|'|T| camelCase| |1|2|3|4|5| x|²|½| go|  | on|␍|␊|␊| | x|=|日本語です|!!|␊|␉ta|◌|b|/|path|/| |昔| .|com|⬚|␠
deepseek-llm;I|'|m| DON|'|T| camelCase| |1|2|3|4|5| x|²|½| go|  | on|␍|␊|␊| | x|=|日本語です|!!|␊|␉ta|◌|b|/|path|/| |昔| .|com|⬚|␠
default;I|'|m| DON|'|T| camelCase| |123|45| x|²½| go|  | on|␍␊␊ | x|=|日本語です|!!|␊|␉|ta|◌|b|/|path|/| 昔| |.|com|⬚␠
""")
    void cutsAsThePublishedPatternDoes(String name, String words) {
        // The table has signs for what would break its lines or not be seen.
        String expected = words.replace('␍', '\r')
                .replace('␊', '\n')
                .replace('␉', '\t')
                .replace('␠', ' ')
                .replace('⬚', '\u3000')
                .replace('◌', '\u0301');
        assertEquals(expected, String.join("|", words(GgufMetadata.bytePairs(name, List.of(), List.of()), TEXT)));
    }

    @Test
    void cutsAfterLettersOfScriptsWithTwoCases() {
        // Greek, Cyrillic, the Kelvin sign and Deseret are letters to DeepSeek's first models; the click ǃ is not.
        assertEquals(
                List.of("Ελλη", "ǃ", "Жж", "1", "\u212a", "-", "\ud801\udc00"),
                words(GgufMetadata.bytePairs("deepseek-llm", List.of(), List.of()), "ΕλληǃЖж1\u212a-\ud801\udc00"));
    }

    @Test
    void everyNameMakesATokenizerThatKeepsTheText() {
        for (String name : PreTokenizer.names().split(", ", -1)) {
            String joined = String.join("", words(GgufMetadata.bytePairs(name, List.of(), List.of()), TEXT));
            boolean composes = PreTokenizer.named(name).orElseThrow().nfc();
            assertEquals(composes ? TEXT.replace("a\u0301", "á") : TEXT, joined, name);
        }
        assertTrue(PreTokenizer.named("bert").isEmpty());
    }

    /// Returns the words that a text is cut into, which the native library numbers.
    private static List<String> words(GgufMetadata metadata, String text) {
        TokenizerLibrary.load(Texts.NATIVE);
        TokenizersLibrary library = TokenizersLibrary.LIB;
        String json = GgufTokenizer.toTokenizerJson(metadata.json());
        Tokenizer.check(json, Path.of("tokenizer.json"));
        long handle = library.createTokenizerFromString(json);
        long encoding = library.encode(handle, text, false);
        List<ByteArrayOutputStream> words = new ArrayList<>();
        long[] numbers = library.getWordIds(encoding);
        String[] tokens = library.getTokens(encoding);
        for (int i = 0; i < tokens.length; i++) {
            if (i == 0 || numbers[i] != numbers[i - 1]) {
                words.add(new ByteArrayOutputStream());
            }
            tokens[i].codePoints().map(BYTE_OF::get).forEach(words.getLast()::write);
        }
        library.deleteEncoding(encoding);
        library.deleteTokenizer(handle);
        return words.stream().map(word -> word.toString(StandardCharsets.UTF_8)).toList();
    }
}
