package io.moetier.cli;

import io.moetier.engine.convert.ModelSource;
import io.moetier.storage.format.Json;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Tells what a model is made of.
@Command(name = "inspect", description = "Show what a model is made of and what of it fits into memory.")
final class InspectCommand implements Callable<Integer> {
    private final Streams streams;

    @Parameters(paramLabel = "MODEL", description = "A store, a checkpoint directory or a GGUF file.")
    Path model = Path.of("");

    @Option(names = "--ram", paramLabel = "SIZE", description = "Show the tiers at this budget for experts in memory.")
    @Nullable
    ByteSize ram;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    InspectCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() {
        ModelSummary summary = Stores.isStore(model) ? ModelSummary.ofStore(model) : ofSource();
        OptionalLong budget = ram == null ? OptionalLong.empty() : OptionalLong.of(ram.bytes());
        streams.print(json ? Json.writePretty(summary.fields(budget)) + "\n" : summary.table(budget));
        return Failure.OK;
    }

    private ModelSummary ofSource() {
        try (ModelSource source = Stores.openSource(model)) {
            return ModelSummary.ofSource(source);
        }
    }
}
