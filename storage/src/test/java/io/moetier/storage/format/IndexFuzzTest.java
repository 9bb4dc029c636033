package io.moetier.storage.format;

import io.moetier.storage.model.MalformedModelException;
import io.moetier.testdata.Fuzzing;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/// Whatever the index of a checkpoint says, no file outside its directory is opened: it is read or refused by name.
public final class IndexFuzzTest {
    private static final Path DIRECTORY = Path.of("checkpoint");

    @Test
    void noInputBreaksIt() throws IOException, InterruptedException {
        Fuzzing.check(IndexFuzzTest.class, 2_000);
    }

    /// Writes the checkpoint that each input is the index of: tensors `a` and `b` in a file each.
    public static void fuzzerInitialize() throws IOException {
        Files.createDirectories(DIRECTORY);
        Files.writeString(DIRECTORY.resolve(CheckpointFiles.CONFIG), "{}");
        for (String name : List.of("a", "b")) {
            SafetensorsWriter.Entry entry = SafetensorsWriter.Entry.of(name, "U8", 1);
            try (SafetensorsWriter writer =
                    SafetensorsWriter.create(DIRECTORY.resolve(name + ".safetensors"), List.of(entry), Map.of())) {
                writer.write(name, MemorySegment.ofArray(new byte[1]));
            }
        }
    }

    /// Opens the checkpoint with an index of these bytes.
    public static void fuzzerTestOneInput(byte[] index) throws IOException {
        Fuzzing.write(DIRECTORY.resolve(CheckpointFiles.INDEX), index);
        try (Checkpoint checkpoint = Checkpoint.open(DIRECTORY)) {
            Assertions.assertFalse(checkpoint.names().isEmpty());
        } catch (MalformedModelException e) {
            Assertions.assertTrue(String.valueOf(e.getMessage()).startsWith(DIRECTORY + "/"), e::getMessage);
        }
    }
}
