package io.moetier.cli.models;

import io.moetier.cli.report.Table;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.runtime.model.family.Families;
import io.moetier.runtime.model.family.FamilyTraits;
import io.moetier.storage.format.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// Lists the families of models that can be run.
@Command(name = "families", description = "List the families of models that can be run, and what each is made of.")
public final class FamiliesCommand implements Callable<Integer> {
    private final Streams streams;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    public FamiliesCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() {
        List<FamilyTraits> families = Families.traits();
        streams.print(json ? Json.writePretty(fields(families)) + "\n" : table(families));
        return Failure.OK;
    }

    private static Map<String, Object> fields(List<FamilyTraits> families) {
        return Map.of("families", families.stream().map(FamiliesCommand::facts).toList());
    }

    private static Map<String, Object> facts(FamilyTraits family) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model_type", family.modelType());
        fields.put("mixers", family.mixers());
        fields.put("norms", family.norms());
        fields.put("router", family.mixture().router());
        fields.put("experts", family.mixture().experts());
        fields.put("shared_experts", family.mixture().shared());
        fields.put("state", family.state());
        fields.put("storage", family.files().storage());
        fields.put("encoder", family.hasEncoder());
        family.files().gguf().ifPresent(architecture -> fields.put("gguf_architecture", architecture));
        return fields;
    }

    private static String table(List<FamilyTraits> families) {
        Table table = Table.ofFacts()
                .row("model_type", "GGUF", "mixers", "norms", "router", "experts", "shared", "kept", "also stored in");
        families.forEach(family -> table.row(
                family.modelType(),
                family.files().gguf().orElse("-"),
                String.join(", ", family.mixers()),
                String.join(", ", family.norms()),
                family.mixture().router(),
                family.mixture().experts(),
                family.mixture().shared(),
                String.join(", ", family.state()),
                family.files().storage().isEmpty()
                        ? "-"
                        : String.join(", ", family.files().storage())));
        return table.toString();
    }
}
