package io.moetier.cli.cluster;

import io.moetier.cli.option.ClusterOptions;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.cluster.drive.ClusterDrive;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.MemberLeftException;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.membership.TaskException;
import io.moetier.cluster.node.ClusterNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// Has a node leave: first drivers do without it, then it goes.
@Command(name = "drain", description = "Have a node leave: drivers ask others first, and nothing is lost.")
public final class ClusterDrainCommand implements Callable<Integer> {
    private static final long PATIENCE_SECONDS = 60;
    private static final long SETTLING_SECONDS = 5;
    private static final long PAUSE_MILLIS = 200;

    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ClusterOptions cluster = new ClusterOptions();

    @Parameters(
            index = "0",
            paramLabel = "NODE",
            description = "Its name, as cluster status shows it, or NAME@HOST:PORT where several are called that.")
    String node = "";

    public ClusterDrainCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        try (Membership membership = ClusterVisit.of(cluster, surroundings)) {
            List<Member> others = ClusterVisit.others(membership);
            Member leaving = named(others);
            for (Member member : others) {
                if (member.offer().role() == Offer.Role.DRIVER && member.offer().port() > 0) {
                    ask(membership, member, ClusterDrive.WITHOUT, leaving.id());
                }
            }
            ask(membership, leaving, ClusterNode.DRAIN, "");
            streams.print("node " + node + " leaves\n");
            return Failure.OK;
        } catch (InterruptedException e) {
            return Failure.INTERRUPTED;
        }
    }

    private Member named(List<Member> others) {
        List<Member> nodes = others.stream()
                .filter(member -> member.offer().role() == Offer.Role.NODE)
                .toList();
        List<Member> named = nodes.stream()
                .filter(member -> node.equals(member.name()) || node.equals(member.nameWithPlace()))
                .toList();
        if (named.size() > 1) {
            throw new IllegalArgumentException("NODE: several are called " + node + ": expected one of "
                    + named.stream().map(Member::nameWithPlace).toList());
        }
        if (named.isEmpty()) {
            throw new IllegalArgumentException(
                    "NODE: expected one of " + nodes.stream().map(Member::name).toList() + ", found " + node);
        }
        return named.getFirst();
    }

    /// Asks a member to do something; one that leaves meanwhile has nothing to do with it any more. Who has just come
    /// may not yet do what it is asked, and is asked again for some seconds.
    private static void ask(Membership membership, Member member, String task, String argument)
            throws IOException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SETTLING_SECONDS);
        while (!hasDone(membership, member, task, argument, System.nanoTime() >= end)) {
            Thread.sleep(PAUSE_MILLIS);
        }
    }

    /// @param isLast whether a refusal is taken for an answer
    private static boolean hasDone(Membership membership, Member member, String task, String argument, boolean isLast)
            throws IOException, InterruptedException {
        try {
            byte[] _ = membership
                    .tasks()
                    .submit(member, task, argument.getBytes(StandardCharsets.UTF_8))
                    .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            return true;
        } catch (ExecutionException e) {
            return switch (e.getCause()) {
                case MemberLeftException _ -> true; // who has left asks nobody any more
                case TaskException _ when !isLast -> false;
                case Throwable cause ->
                    throw new IOException(member.name() + " was asked and did not do it: " + cause.getMessage(), cause);
                case null -> throw new IOException(member.name() + " was asked and did not do it", e);
            };
        } catch (TimeoutException e) {
            throw new IOException(member.name() + " was asked and has not done it in time", e);
        }
    }
}
