package io.moetier.runtime.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class HubSelectionTest {
    private static final String[] CHECKPOINT = {
        "README.md",
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "tiktoken.model",
        "tokenization_kimi.py",
        "chat_template.jinja",
        "model.py",
        "model.safetensors.index.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "consolidated.safetensors",
        "merges.txt",
        "sub/config.json"
    };
    private static final String[] GGUFS = {
        "M-Q4_K_M.gguf",
        "M-UD-Q4_K_XL.gguf",
        "mmproj-F16.gguf",
        "M-Q4_0.gguf",
        "M.imatrix.gguf",
        "BF16/M-BF16-00002-of-00002.gguf",
        "BF16/M-BF16-00001-of-00002.gguf",
        "README.md"
    };

    @Test
    void aCheckpointIsItsShardsAndWhatDescribesIt() {
        HubSelection selection = select("hf:o/r", CHECKPOINT);
        assertEquals(
                List.of(
                        "config.json",
                        "tokenizer.json",
                        "tokenizer_config.json",
                        "tiktoken.model",
                        "chat_template.jinja",
                        "model.safetensors.index.json",
                        "merges.txt",
                        "model-00001-of-00002.safetensors",
                        "model-00002-of-00002.safetensors"),
                paths(selection));
        assertEquals(Optional.of(""), selection.model());
        assertEquals(Optional.of("hf:o/r: safetensors (90 B)"), selection.only());
    }

    @Test
    void aQuantisationIsFoundInAnyCase() {
        assertEquals(List.of("M-Q4_K_M.gguf"), paths(select("hf:o/r:q4_k_m", GGUFS)));
        assertEquals(List.of("M-Q4_0.gguf"), paths(select("hf:o/r:Q4_0", GGUFS)));
        assertEquals(List.of("M-UD-Q4_K_XL.gguf"), paths(select("hf:o/r:Q4_K_XL", GGUFS)));
        assertEquals(List.of("M-UD-Q4_K_XL.gguf"), paths(select("hf:o/r:UD-Q4_K_XL", GGUFS)));
    }

    @Test
    void aSplitFileComesWhole() {
        for (String name : List.of("bf16", "BF16/M-BF16-00002-of-00002.gguf", "BF16/*", "*00001*")) {
            HubSelection selection = select("hf:o/r:" + name, GGUFS);
            assertEquals(
                    List.of("BF16/M-BF16-00001-of-00002.gguf", "BF16/M-BF16-00002-of-00002.gguf"),
                    paths(selection).stream().sorted().toList(),
                    name);
            assertEquals(Optional.of("BF16/M-BF16-00001-of-00002.gguf"), selection.model(), name);
        }
    }

    @Test
    void aPatternPassesOverWhatNoFileHereCanBeCalled() {
        assertEquals(List.of("M-Q4_0.gguf"), paths(select("hf:o/r:*Q4_0*", "a\0Q4_0.txt", "M-Q4_0.gguf")));
    }

    @Test
    void aNameThatWouldBeAPatternIsAName() {
        String[] files = {"M[1]-Q4_0.gguf", "M1-Q4_0.gguf", "read{me}.md"};
        assertEquals(List.of("M[1]-Q4_0.gguf"), paths(select("hf:o/r:M[1]-Q4_0.gguf", files)));
        assertEquals(List.of("read{me}.md"), paths(select("hf:o/r:read{me}.md", files)));
        assertEquals(List.of("M1-Q4_0.gguf"), paths(select("hf:o/r:M[1-2]*", files)));
    }

    @Test
    void aPartIsMissing() {
        assertEquals(
                "hf:o/r:Q8_0 is not there; hf:o/r has no model in GGUF or safetensors",
                refused("hf:o/r:Q8_0", "M-Q8_0-00001-of-00002.gguf"));
        // what a cut leaves where the index has not come
        assertEquals(
                "hf:o/r has no model in GGUF or safetensors",
                refused("hf:o/r", "config.json", "model-00001-of-00004.safetensors"));
    }

    @Test
    void severalModelsAreListedWithTheirSizes() {
        assertEquals(
                "hf:o/r has 4 models; choose one: :Q4_K_M (10 B), :UD-Q4_K_XL (10 B), :Q4_0 (10 B), :BF16 (20 B), as"
                        + " hf:o/r:Q4_K_M",
                refused("hf:o/r", GGUFS));
        assertTrue(refused("hf:o/r:Q9", GGUFS).startsWith("hf:o/r:Q9 is not there; there are :Q4_K_M (10 B), "));
    }

    @Test
    void anyFileCanBeNamed() {
        HubSelection tower = select("hf:o/r:mmproj-F16.gguf", GGUFS);
        assertEquals(List.of("mmproj-F16.gguf"), paths(tower));
        assertEquals(Optional.empty(), tower.model());
    }

    @Test
    void whatCannotBeReadIsNamed() {
        assertEquals(
                "hf:o/r has no model in GGUF or safetensors, only pytorch_model.bin, which cannot be read",
                refused("hf:o/r", "config.json", "pytorch_model.bin"));
    }

    private static HubSelection select(String name, String... files) {
        String etag = "0".repeat(40);
        return HubSelection.of(new HubRepository(
                HubName.parse(name),
                etag,
                Arrays.stream(files)
                        .map(path -> new HubFile(path, 10, Optional.empty(), etag))
                        .toList()));
    }

    private static List<String> paths(HubSelection selection) {
        return selection.files().stream().map(HubFile::path).toList();
    }

    private static String refused(String name, String... files) {
        return String.valueOf(assertThrows(IllegalArgumentException.class, () -> select(name, files))
                .getMessage());
    }

    @Test
    void partsMayCountFromZero() {
        String[] upToTheNumber = {
            "config.json",
            "model.safetensors.index.json",
            "model-00000-of-00002.safetensors",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors"
        };
        assertEquals(5, select("hf:o/r", upToTheNumber).files().size());
        assertEquals(
                4, select("hf:o/r", Arrays.copyOf(upToTheNumber, 4)).files().size());
        assertEquals(
                "hf:o/r has no model in GGUF or safetensors",
                refused("hf:o/r", upToTheNumber[0], upToTheNumber[1], upToTheNumber[2], upToTheNumber[4]));
    }
}
