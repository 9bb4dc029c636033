package io.moetier.cli.profiles;

import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.storage.format.Json;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Shows what a profile holds.
@Command(
        name = "show",
        description = "Show all that a profile holds: which experts its runs chose how often, and how far the model's"
                + " other profiles are from it.")
public final class ProfilesShowCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(index = "0", paramLabel = "NAME", description = "A profile of profiles list.")
    String name = "";

    @Mixin
    OfModel model = new OfModel();

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    public ProfilesShowCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() {
        ProfileFolder folder = new ProfileFolder(surroundings.cacheDirectory());
        ProfileReport report = ProfileReport.of(model.find(folder, name), folder);
        streams.print(json ? Json.write(report.fields()) + "\n" : report.text());
        return Failure.OK;
    }
}
