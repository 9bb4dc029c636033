package io.moetier.cli.profiles;

import io.moetier.cli.terminal.Streams;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// Profiles: what runs of a person or a kind of work chose and learnt.
@Command(
        name = "profiles",
        description = "List, show and compare what runs of each --profile chose and learnt, carry it elsewhere, or"
                + " remove it. No text is kept. (Where the time goes is in profile.)")
public final class ProfilesCommand implements Runnable {
    private final Streams streams;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    CommandSpec spec;

    public ProfilesCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public void run() {
        spec.commandLine().usage(streams.out());
    }
}
