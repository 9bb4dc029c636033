package io.moetier.cli.profiles;

import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// Removes profiles.
@Command(name = "rm", description = "Remove profiles. Models stay.")
public final class ProfilesRemoveCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(index = "0..*", arity = "1..*", paramLabel = "NAME", description = "Profiles of profiles list.")
    List<String> names = new ArrayList<>();

    @Mixin
    OfModel model = new OfModel();

    public ProfilesRemoveCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        ProfileFolder folder = new ProfileFolder(surroundings.cacheDirectory());
        List<KeptProfile> found =
                names.stream().distinct().map(name -> model.find(folder, name)).toList(); // all of them, or none goes
        for (KeptProfile kept : found) {
            String spelling = ProfileFolder.spelling(kept);
            kept.delete();
            streams.note("removed: " + kept.name() + " of " + spelling);
        }
        return Failure.OK;
    }
}
