package io.moetier.storage.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileTreeTest {
    @TempDir
    Path folder = Path.of("");

    @Test
    void allBelowGoesAndWhatLinksMeanStays() throws IOException {
        Path outside = Files.createDirectory(folder.resolve("outside"));
        Path kept = Files.writeString(outside.resolve("kept"), "kept");
        Path tree = Files.createDirectories(folder.resolve("tree/a/b"))
                .resolve("../..")
                .normalize();
        Files.writeString(tree.resolve("a/b/file"), "file");
        Files.createSymbolicLink(tree.resolve("a/folder"), outside);
        Files.createSymbolicLink(tree.resolve("file"), kept);
        FileTree.delete(tree);
        assertFalse(Files.exists(tree));
        assertEquals("kept", Files.readString(kept));
    }

    @Test
    void whatIsNotThereIsAnError() {
        assertThrows(NoSuchFileException.class, () -> FileTree.delete(folder.resolve("none")));
    }
}
