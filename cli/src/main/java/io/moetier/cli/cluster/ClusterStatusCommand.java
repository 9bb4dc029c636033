package io.moetier.cli.cluster;

import io.moetier.cli.option.About;
import io.moetier.cli.option.ClusterOptions;
import io.moetier.cli.option.Topic;
import io.moetier.cli.report.Table;
import io.moetier.cli.terminal.Failure;
import io.moetier.cli.terminal.Streams;
import io.moetier.cli.terminal.Surroundings;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.node.ClusterNode;
import io.moetier.cluster.placement.Placement;
import io.moetier.storage.format.Json;
import io.moetier.storage.memory.ByteSize;
import io.moetier.storage.model.MalformedModelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Says who is in a cluster, and who owns which experts.
@Command(name = "status", description = "Show the members of a cluster, what they offer and what they hold.")
public final class ClusterStatusCommand implements Callable<Integer> {
    private static final long PATIENCE_SECONDS = 5;
    private static final int SHOWN_DIGITS = 8; // of models and kernels

    private final Surroundings surroundings;
    private final Streams streams;

    @Mixin
    ClusterOptions cluster = new ClusterOptions();

    @About(Topic.REPORTS)
    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    public ClusterStatusCommand(Surroundings surroundings, Streams streams) {
        this.surroundings = surroundings;
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        try (Membership membership = ClusterVisit.of(cluster, surroundings)) {
            List<Member> others = ClusterVisit.others(membership);
            if (json) {
                streams.print(Json.writePretty(fields(membership, others)) + "\n");
            } else {
                print(membership, others);
            }
            return Failure.OK;
        }
    }

    private static Map<String, Object> fields(Membership membership, List<Member> others) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put(
                "members", others.stream().map(each -> fields(membership, each)).toList());
        fields.put(
                "models",
                tables(membership).entrySet().stream()
                        .map(table -> fields(table.getKey(), table.getValue()))
                        .toList());
        return fields;
    }

    private static Map<String, Object> fields(Membership membership, Member member) {
        Offer offer = member.offer();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("name", member.name());
        fields.put("role", role(offer));
        if (!member.place().isEmpty()) {
            fields.put("address", member.place());
        }
        if (offer.port() != 0) {
            fields.put("experts_port", offer.port());
        }
        if (offer.ramBytes() != 0) {
            fields.put("ram_bytes", offer.ramBytes());
        }
        fields.put("threads", offer.threads());
        fields.put("kernels", offer.kernels());
        fields.put("version", offer.version());
        if (offer.role() == Offer.Role.NODE) {
            models(membership, member)
                    .ifPresent(lines -> fields.put("holds", lines.lines().toList()));
        }
        return fields;
    }

    private static Map<String, Object> fields(String model, Optional<Placement> placement) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", model);
        if (placement.isPresent()) {
            fields.put("experts", placement.get().ids().length);
            fields.put(
                    "owners",
                    owners(placement.get()).stream()
                            .map(each -> Map.of("name", each.name(), "experts", each.experts()))
                            .toList());
        }
        return fields;
    }

    private void print(Membership membership, List<Member> others) {
        Table table =
                Table.ofFacts().row("name", "role", "address", "experts at", "memory", "threads", "kernels", "version");
        for (Member member : others) {
            Offer offer = member.offer();
            table.row(
                    member.name(),
                    role(offer),
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
                        .orElse("does not say what it holds")
                        .lines()
                        .forEach(line -> streams.print(member.name() + ": " + line + "\n"));
            }
        }
        tables(membership)
                .forEach((model, placement) -> streams.print("model " + shown(model) + ": "
                        + placement.map(ClusterStatusCommand::words).orElse("a table that cannot be read") + "\n"));
    }

    private static String role(Offer offer) {
        return offer.role().name().toLowerCase(Locale.ROOT);
    }

    private static String shown(String digits) {
        return digits.isEmpty() ? "-" : digits.substring(0, Math.min(SHOWN_DIGITS, digits.length()));
    }

    private static Optional<String> models(Membership membership, Member node) {
        try {
            byte[] lines = membership
                    .tasks()
                    .submit(node, ClusterNode.MODELS, new byte[0])
                    .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            return Optional.of(new String(lines, StandardCharsets.UTF_8));
        } catch (ExecutionException | TimeoutException e) {
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    /// Returns who owns which experts of each model; nothing where that cannot be read.
    private static Map<String, Optional<Placement>> tables(Membership membership) {
        Map<String, Optional<Placement>> tables = new LinkedHashMap<>();
        for (String model : membership.ownership().models()) {
            membership.ownership().table(model).ifPresent(bytes -> tables.put(model, placement(bytes)));
        }
        return tables;
    }

    private static Optional<Placement> placement(byte[] table) {
        try {
            return Optional.of(Placement.parse(table));
        } catch (MalformedModelException e) {
            return Optional.empty();
        }
    }

    /// How many experts somebody owns.
    private record Owned(String name, int experts) {}

    private static List<Owned> owners(Placement placement) {
        List<Owned> owners = new ArrayList<>();
        for (int owner = 0; owner < placement.members().size(); owner++) {
            String name = owner == Placement.DRIVER
                    ? "the driver"
                    : placement.members().get(owner);
            owners.add(new Owned(name, placement.assignment(owner, id -> 1).length));
        }
        return owners;
    }

    private static String words(Placement placement) {
        return owners(placement).stream()
                        .map(each -> each.name() + " " + each.experts())
                        .collect(Collectors.joining(", "))
                + " of " + placement.ids().length + " experts";
    }
}
