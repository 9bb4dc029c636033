package io.moetier.cli.cluster;

import io.moetier.cli.option.ClusterOptions;
import io.moetier.cli.report.Table;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.node.ClusterNode;
import io.moetier.cluster.placement.Placement;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/// Says who is in a cluster, and who owns which experts.
@Command(name = "status", description = "Show the members of a cluster, what they offer and what they hold.")
public final class ClusterStatusCommand implements Callable<Integer> {
    private static final long PATIENCE_SECONDS = 5;
    private static final int SHOWN_DIGITS = 8; // of models and kernels

    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ClusterOptions cluster = new ClusterOptions();

    public ClusterStatusCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        try (Membership membership = ClusterVisit.of(cluster, surroundings)) {
            List<Member> others = ClusterVisit.others(membership);
            Table table = Table.ofFacts()
                    .row("name", "role", "address", "experts at", "memory", "threads", "kernels", "version");
            for (Member member : others) {
                Offer offer = member.offer();
                table.row(
                        member.name(),
                        offer.role().name().toLowerCase(Locale.ROOT),
                        member.place().isEmpty() ? "-" : member.place(),
                        offer.port() == 0 ? "-" : offer.port(),
                        offer.ramBytes() == 0 ? "-" : ByteSize.format(offer.ramBytes()),
                        offer.threads(),
                        shown(offer.kernels()),
                        offer.version());
            }
            streams.print(table.toString());
            for (Member member : others) {
                if (member.offer().role() == Offer.Role.NODE) {
                    models(membership, member)
                            .lines()
                            .forEach(line -> streams.print(member.name() + ": " + line + "\n"));
                }
            }
            for (String model : membership.ownership().models()) {
                membership.ownership().table(model).ifPresent(bytes -> owners(model, bytes));
            }
            return Failure.OK;
        }
    }

    private static String shown(String digits) {
        return digits.isEmpty() ? "-" : digits.substring(0, Math.min(SHOWN_DIGITS, digits.length()));
    }

    private static String models(Membership membership, Member node) {
        try {
            byte[] lines = membership
                    .tasks()
                    .submit(node, ClusterNode.MODELS, new byte[0])
                    .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            return new String(lines, StandardCharsets.UTF_8);
        } catch (ExecutionException | TimeoutException e) {
            return "does not say what it holds";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    private void owners(String model, byte[] bytes) {
        Placement placement;
        try {
            placement = Placement.parse(bytes);
        } catch (MalformedModelException e) {
            streams.print("model " + shown(model) + ": a table that cannot be read\n");
            return;
        }
        StringBuilder line = new StringBuilder("model ").append(shown(model)).append(": ");
        int numExperts = placement.ids().length;
        for (int owner = 0; owner < placement.members().size(); owner++) {
            int numOwned = placement.assignment(owner, id -> 1).length;
            String name = owner == Placement.DRIVER
                    ? "the driver"
                    : placement.members().get(owner);
            line.append(owner == 0 ? "" : ", ").append(name).append(' ').append(numOwned);
        }
        streams.print(line + " of " + numExperts + " experts\n");
    }
}
