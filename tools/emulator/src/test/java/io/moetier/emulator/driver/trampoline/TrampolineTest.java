package io.moetier.emulator.driver.trampoline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class TrampolineTest {
    /// As on a full disk, where the folder stayed with what had been written.
    @Test
    void aLibraryThatCannotBeWrittenLeavesNothing() {
        NoSuchFileException refusal = assertThrows(
                NoSuchFileException.class,
                () -> Trampoline.load("missing/library.so", List.of(), (_, _) -> 0)
                        .file());
        Path missing = Objects.requireNonNull(Path.of(refusal.getFile()).getParent());
        assertEquals("missing", missing.getFileName().toString());
        assertFalse(Files.exists(Objects.requireNonNull(missing.getParent())));
    }
}
