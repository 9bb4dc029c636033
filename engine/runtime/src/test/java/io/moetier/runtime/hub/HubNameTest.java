package io.moetier.runtime.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HubNameTest {
    @Test
    void aRepositoryAlone() {
        assertEquals(
                new HubName("Org/Some.Repo-1", Optional.empty(), Optional.empty()),
                HubName.parse("hf:Org/Some.Repo-1"));
    }

    @Test
    void revisionAndSelectionComeInAnyOrder() {
        HubName name = new HubName("o/r", Optional.of("refs/pr/7"), Optional.of("sub/x-Q4_0.gguf"));
        assertEquals(name, HubName.parse("hf:o/r@refs/pr/7:sub/x-Q4_0.gguf"));
        assertEquals(name, HubName.parse("hf:o/r:sub/x-Q4_0.gguf@refs/pr/7"));
        assertEquals(name, HubName.parse(name.toString()));
    }

    @Test
    void aNameMayBeginAndEndAsTheHubsOwnToolsLetIt() {
        assertEquals("_o/_r_", HubName.parse("hf:_o/_r_").repository());
    }

    @Test
    void aFileWithAnAtStandsBehindTheRevision() {
        HubName name = new HubName("o/r", Optional.empty(), Optional.of("x@y.gguf"));
        assertEquals("hf:o/r@main:x@y.gguf", name.toString());
        assertEquals(name.selection(), HubName.parse(name.toString()).selection());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hf:",
                "hf:x",
                "hf:/x",
                "hf:o/",
                "hf:o/r/s",
                "hf:o/..",
                "hf:../r",
                "hf:o/a--b",
                "hf:o/r:",
                "hf:o/r@",
                "hf:o/r@../x",
                "hf:o/r@a b",
                "hf:o/r\n",
                "hf:o/.r",
                "hf:o/r@-x",
                "hf:o/r?x"
            })
    void whatIsNoNameIsRefusedInASentence(String text) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> HubName.parse(text));
        assertTrue(String.valueOf(e.getMessage()).startsWith("expected "), e::getMessage);
    }
}
