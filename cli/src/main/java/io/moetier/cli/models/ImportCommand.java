package io.moetier.cli.models;

import io.moetier.cli.option.TowerOptions;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.ShellWord;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.convert.Importance;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.convert.Quantisation;
import io.moetier.runtime.convert.Rounding;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.library.Tidying;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.IoFailure;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Turns a model into a store.
@Command(name = "import", description = "Turn a model into a store that runs under a memory budget.")
public final class ImportCommand implements Callable<Integer> {
    private static final String TYPES = "keep|q8_0|q6_k|q4_k|q4_0";

    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(
            paramLabel = "MODEL",
            description =
                    "A Hugging Face directory with safetensors files, one such file, or a GGUF file or any part of one;"
                            + " or a name, as hf:ORG/REPO:Q4_K_M.")
    Path model = Path.of("");

    @Option(
            names = {"-o", "--out"},
            paramLabel = "NAME.mtier",
            description = "The store to make; default: the model's name in this directory.")
    @Nullable
    Path out;

    @Option(
            names = "--quant",
            paramLabel = TYPES,
            defaultValue = "keep",
            description = "Keep the weights as they are, or round them to 8, 6 or 4 bits; default: ${DEFAULT-VALUE}.")
    Rounding rounding = Rounding.KEEP;

    @Option(names = "--quant-experts", paramLabel = TYPES, description = "The same for the experts alone.")
    @Nullable
    Rounding expertRounding;

    @Option(names = "--quant-dense", paramLabel = TYPES, description = "The same for everything but the experts.")
    @Nullable
    Rounding denseRounding;

    @Option(
            names = "--imatrix",
            paramLabel = "FILE",
            description = "Round to 6 or 4 bits by an importance matrix of the model, as llama.cpp writes it.")
    @Nullable
    Path importance;

    @Mixin
    TowerOptions tower = new TowerOptions();

    @Option(names = "--force", description = "Replace a store of that name.")
    boolean force;

    public ImportCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() {
        if (out != null) {
            requireFree(out);
        }
        if (importance != null) {
            requireImportance(importance);
        }
        model = LibraryTerminal.located(model, surroundings, streams);
        if (Stores.isStore(model)) {
            throw new IllegalArgumentException(model + " is a store already");
        }
        try (ModelSource source = Stores.openSource(model, tower.file())) {
            Path target = out == null ? Path.of(source.name() + ".mtier") : out;
            requireFree(target);
            Tidying tidying = new Tidying(streams::note);
            tidying.cache(surroundings.cacheDirectory());
            tidying.folder(UnfinishedFile.folderOf(target));
            LibraryTerminal.stores(surroundings, streams)
                    .importSource(source, quantisation(), importance(source), target, force);
            streams.answer(target + "\n", surroundings.outputIsTerminal());
            return Failure.OK;
        }
    }

    private void requireFree(Path target) {
        if (!String.valueOf(target.getFileName()).endsWith(".mtier")) {
            throw new IllegalArgumentException("--out: expected a name that ends in .mtier, found " + target);
        }
        if (Files.exists(target) && !force) {
            throw new IllegalArgumentException(target + " exists already; --force replaces it");
        }
    }

    private void requireImportance(Path file) {
        if (!quantisation().weighs()) {
            throw new IllegalArgumentException(
                    "--imatrix: expected a --quant of 6 or 4 bits, which it says how to round to, found none");
        }
        if (!Files.isRegularFile(file)) {
            throw new IllegalArgumentException("--imatrix: " + file + ": "
                    + IoFailure.toReach(file).orElse("expected a file, found something that is none"));
        }
    }

    private Importance importance(ModelSource source) {
        return importance == null ? Importance.NONE : Importance.read(importance, source.spec());
    }

    private Quantisation quantisation() {
        return new Quantisation(
                expertRounding == null ? rounding : expertRounding, denseRounding == null ? rounding : denseRounding);
    }

    /// Returns the command that makes a store of the cache again.
    ///
    /// @param tower the file of the tower, if one was named
    public static String line(String checkpoint, Optional<String> tower, Path store) {
        return "moetier import " + ShellWord.of(checkpoint)
                + tower.map(file -> " --mmproj " + ShellWord.of(file)).orElse("")
                + " --force --out " + ShellWord.of(store.toString());
    }
}
