package io.moetier.cli.profiles;

import io.moetier.cli.report.Table;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Plural;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.storage.format.Json;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// Lists the profiles.
@Command(name = "list", description = "List the profiles, of which model they are and from how many tokens.")
public final class ProfilesListCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    public ProfilesListCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    /// What the table says of one profile.
    private record Row(KeptProfile kept, CountedModel counted, OptionalLong learntTokens, Instant lastRun, long bytes) {
        static Row of(KeptProfile kept) throws IOException {
            return new Row(kept, kept.read(), kept.learntTokens(), kept.lastRun(), kept.bytes());
        }

        Map<String, Object> fields() {
            Map<String, Object> fields = kept.facts(counted, learntTokens);
            fields.put("last_run", lastRun.toString());
            fields.put("bytes", bytes);
            return fields;
        }

        void addTo(Table table) {
            table.row(
                    kept.name(),
                    ProfileFolder.spelling(kept),
                    String.format(Locale.ROOT, "%,.0f", counted.census().tokens()),
                    learntTokens.isPresent() ? Plural.grouped(learntTokens.getAsLong(), "token") : "nothing",
                    lastRun.atZone(ZoneId.systemDefault()).toLocalDate(),
                    ByteSize.format(bytes));
        }
    }

    @Override
    public Integer call() throws IOException {
        List<Row> rows = new ArrayList<>();
        int code = Failure.OK;
        for (KeptProfile kept : new ProfileFolder(surroundings.cacheDirectory()).all()) {
            try {
                rows.add(Row.of(kept));
            } catch (MalformedModelException e) {
                streams.note("moetier: " + e.getMessage() + "; profiles rm " + kept.name() + " --model "
                        + kept.fingerprint() + " removes it");
                code = Failure.FAILED;
            }
        }
        if (json) {
            streams.print(
                    Json.write(Map.of("profiles", rows.stream().map(Row::fields).toList())) + "\n");
        } else if (rows.isEmpty()) {
            streams.print("no profiles yet: each run leaves one, --profile NAME one of that name\n");
        } else {
            Table table = Table.ofFacts().row("profile", "model", "tokens", "learnt from", "last run", "size");
            rows.forEach(row -> row.addTo(table));
            streams.print(table.toString());
        }
        return code;
    }
}
