package io.moetier.lab.device;

import io.moetier.testdata.TestData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/// Packs golden cases for a machine that imports nothing: what the reference computed, and the store.
final class PackedGolden {
    private PackedGolden() {}

    /// Packs the cases named.
    ///
    /// @param args the folder that gets a folder for each case, and the names of the cases
    public static void main(String[] args) throws IOException {
        for (String name : Arrays.asList(args).subList(1, args.length)) {
            Path golden = TestData.golden(name);
            Path packed = Files.createDirectories(Path.of(args[0], name));
            for (String file : List.of("reference.json", "logits.safetensors")) {
                Files.copy(golden.resolve(file), packed.resolve(file));
            }
            EmulatedEngines.writeStore(golden, packed.resolve(EmulatedEngines.PACKED));
        }
    }
}
