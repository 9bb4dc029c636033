package io.moetier.cli.hostile;

import io.moetier.runtime.convert.CheckpointImporter;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.testdata.TestData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/// Stores whose files are damaged one by one.
final class StoreInputs {
    private static final String MANIFEST = "manifest.json";

    private final InputFolder folder;
    private final Path sound;

    private StoreInputs(InputFolder folder, Path path) {
        this.folder = folder;
        this.sound = path.resolve("sound.mtier");
        try (ModelSource source = ModelSource.open(TestData.golden("mixtral"))) {
            new CheckpointImporter(source, Quantisation.KEEP).run(sound, false, _ -> {});
        }
    }

    static List<HostileInput> in(Path path) {
        StoreInputs inputs = new StoreInputs(new InputFolder(path), path);
        inputs.addAll();
        return inputs.folder.inputs();
    }

    private void addAll() {
        commands("sound", sound);
        for (String file : files()) {
            change(file, "flipped", bytes -> {
                bytes[bytes.length / 2] ^= 4;
                return bytes;
            });
            change(file, "half", bytes -> Arrays.copyOf(bytes, bytes.length / 2));
            change(file, "empty", _ -> new byte[0]);
            change(file, "longer", bytes -> Arrays.copyOf(bytes, bytes.length + 1));
            change(file, "zeros", bytes -> new byte[bytes.length]);
        }
        manifest("parent", "dense.safetensors", "../../../../../../etc/passwd");
        manifest("numbers", ":1,", ":99999999999999999999,");
        manifest("negative", ":1,", ":-1,");
        manifest("escape", "mixtral", "\\u001b[31mmix");
        JsonTexts.hostile(text())
                .forEach((name, text) -> change(MANIFEST, "json-" + name, _ -> text.getBytes(StandardCharsets.UTF_8)));
    }

    private void manifest(String name, String from, String to) {
        change(MANIFEST, "field-" + name, _ -> text().replace(from, to).getBytes(StandardCharsets.UTF_8));
    }

    private String text() {
        return new String(read(MANIFEST), StandardCharsets.UTF_8);
    }

    private void change(String file, String change, UnaryOperator<byte[]> changed) {
        String name = file + "-" + change;
        Path store = folder.linked(name + ".mtier", sound);
        for (String other : files()) {
            InputFolder.replace(store, other, other.equals(file) ? changed.apply(read(file)) : read(other));
        }
        commands(name, store);
    }

    private void commands(String name, Path store) {
        folder.add(name + "/inspect", "inspect", store.toString());
        folder.add(name + "/verify", "verify", store.toString());
        folder.addRun(name, store);
    }

    private List<String> files() {
        try (Stream<Path> files = Files.list(sound)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private byte[] read(String file) {
        try {
            return Files.readAllBytes(sound.resolve(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
