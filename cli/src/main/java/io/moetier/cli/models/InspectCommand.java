package io.moetier.cli.models;

import io.moetier.cli.option.TowerOptions;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.convert.ModelSource;
import io.moetier.runtime.library.Stores;
import io.moetier.runtime.library.Tidying;
import io.moetier.storage.file.UnfinishedFile;
import io.moetier.storage.format.Json;
import io.moetier.storage.memory.ByteSize;
import java.nio.file.Path;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Tells what a model is made of.
@Command(name = "inspect", description = "Show what a model is made of and what of it fits into memory.")
public final class InspectCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(
            paramLabel = "MODEL",
            description =
                    "A store, a checkpoint directory, a GGUF file, a config.json alone, or a name, as hf:ORG/REPO.")
    Path model = Path.of("");

    @Option(names = "--ram", paramLabel = "SIZE", description = "Show the tiers at this budget for experts in memory.")
    @Nullable
    ByteSize ram;

    @Mixin
    TowerOptions tower = new TowerOptions();

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    public InspectCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() {
        model = LibraryTerminal.located(model, surroundings, streams);
        if (tower.file().isPresent() && (Stores.isStore(model) || SpecSummary.isConfig(model))) {
            throw new IllegalArgumentException("--mmproj: expected a model in a GGUF file, found " + model);
        }
        OptionalLong budget = ram == null ? OptionalLong.empty() : OptionalLong.of(ram.bytes());
        if (Stores.isStore(model)) {
            new Tidying(streams::note).folder(UnfinishedFile.folderOf(model));
            ModelSummary summary = ModelSummary.ofStore(model);
            print(summary.fields(budget), summary.table(budget));
        } else if (SpecSummary.isConfig(model)) {
            if (ram != null) {
                throw new IllegalArgumentException("--ram: expected a model with weights, found " + model);
            }
            SpecSummary summary = SpecSummary.ofConfig(model);
            print(summary.fields(), summary.table().toString());
        } else {
            try (ModelSource source = Stores.openSource(model, tower.file())) {
                ModelSummary summary = ModelSummary.ofSource(source);
                SourceDetails details = new SourceDetails(source);
                Map<String, Object> fields = summary.fields(budget);
                fields.putAll(details.fields());
                print(fields, summary.table(budget) + "\n" + details.table());
            }
        }
        return Failure.OK;
    }

    private void print(Map<String, Object> fields, String table) {
        streams.print(json ? Json.writePretty(fields) + "\n" : table);
    }
}
