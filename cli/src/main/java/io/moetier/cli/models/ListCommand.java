package io.moetier.cli.models;

import io.moetier.cli.report.Table;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.HubVariables;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.library.LocalModel;
import io.moetier.runtime.library.LocalModels;
import io.moetier.storage.format.Json;
import io.moetier.storage.memory.ByteSize;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// Lists the models on this machine.
@Command(
        name = "list",
        description = "List the models on this machine: of the hub's cache, of LM Studio and Ollama, and stores.")
public final class ListCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    public ListCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    static LocalModels models(Surroundings surroundings) {
        return new LocalModels(new HubVariables(surroundings).places(), surroundings.cacheDirectory());
    }

    @Override
    public Integer call() {
        List<LocalModel> models = models(surroundings).all(streams::note);
        streams.print(json ? Json.writePretty(fields(models)) + "\n" : table(models));
        return Failure.OK;
    }

    private static Map<String, Object> fields(List<LocalModel> models) {
        return Map.of("models", models.stream().map(ListCommand::facts).toList());
    }

    private static Map<String, Object> facts(LocalModel model) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("name", model.name());
        facts.put("bytes", model.bytes());
        facts.put("form", model.form().toString());
        facts.put("last_use", model.lastUse().toString());
        facts.put("path", model.path().toString());
        facts.put("stores", model.stores().stream().map(Path::toString).toList());
        return facts;
    }

    private static String table(List<LocalModel> models) {
        if (models.isEmpty()) {
            return "there are no models; pull hf:ORG/REPO gets one\n";
        }
        Table table = Table.ofFacts().row("name", "size", "form", "last use", "store");
        models.forEach(model -> table.row(
                model.name(),
                ByteSize.format(model.bytes()),
                model.form().toString(),
                day(model.lastUse()),
                model.stores().isEmpty() ? "no" : "yes"));
        return table.toString();
    }

    private static LocalDate day(Instant instant) {
        return LocalDate.ofInstant(instant, ZoneId.systemDefault());
    }
}
