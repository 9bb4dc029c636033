package io.moetier.cli.profiles;

import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.OutputFile;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// Writes a profile as one file.
@Command(name = "export", description = "Write a profile as one file, for profiles import elsewhere.")
public final class ProfilesExportCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(index = "0", paramLabel = "NAME", description = "A profile of profiles list.")
    String name = "";

    @Parameters(index = "1", paramLabel = "FILE", description = "The file to write, for example code.profile.")
    Path file = Path.of("");

    @Mixin
    OfModel model = new OfModel();

    public ProfilesExportCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        KeptProfile kept = model.find(new ProfileFolder(surroundings.cacheDirectory()), name);
        ProfileArchive archive = ProfileArchive.of(kept);
        try (OutputFile output = OutputFile.createPrivate(file, "FILE")) {
            try {
                archive.write(output.unfinished());
                output.publish();
            } catch (IOException e) {
                throw OutputFile.failure(file, e);
            }
        }
        streams.note(file + ": " + kept.name() + " of " + ProfileFolder.spelling(kept));
        return Failure.OK;
    }
}
