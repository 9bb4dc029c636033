package io.moetier.cli.models;

import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.runtime.hub.HubName;
import io.moetier.runtime.library.ModelFinder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/// Downloads models.
@Command(
        name = "pull",
        description = {
            "Download models from the Hugging Face hub into its cache, and print where they are.",
            "What has come stays when it is stopped, and the next time goes on from there."
        })
public final class PullCommand implements Callable<Integer> {
    private final Surroundings surroundings;
    private final Streams streams;

    @Parameters(
            arity = "1..*",
            paramLabel = "NAME",
            description = "hf:ORG/REPO, with :Q4_K_M, :FILE or :PATTERN behind it to choose files, and @REVISION.")
    List<String> names = new ArrayList<>();

    public PullCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() {
        List<HubName> all = names.stream().map(HubName::parse).toList();
        ModelFinder finder = LibraryTerminal.finder(surroundings, streams);
        for (HubName name : all) {
            Path path = finder.pull(name);
            streams.answer(path + "\n", surroundings.outputIsTerminal());
        }
        return Failure.OK;
    }
}
