package io.moetier.cluster.membership.jgroups;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.membership.Belonging;
import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.Identity;
import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.membership.Offer.Role;
import io.moetier.cluster.membership.SharedSecret;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/// Members on this machine that a test starts, and that leave when it ends.
final class Cluster implements AutoCloseable {
    /// Far more than anything takes that happens at all.
    static final Duration PATIENCE = Duration.ofMinutes(2);

    private final SharedSecret secret;
    private final List<JGroupsMembership> members = new ArrayList<>();

    Cluster(Path folder, String content) throws IOException {
        secret = secret(folder, content);
    }

    static SharedSecret secret(Path folder, String content) throws IOException {
        Path file = Files.createTempFile(
                folder,
                "secret",
                "",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        return SharedSecret.read(Files.writeString(file, content));
    }

    static ClusterSettings settings(List<String> join) {
        return new ClusterSettings("test", "127.0.0.1", 0, join, false, Optional.empty(), Optional.empty());
    }

    static Belonging belonging(SharedSecret secret, List<String> join) {
        return belonging(secret, settings(join));
    }

    static Belonging belonging(SharedSecret secret, ClusterSettings settings) {
        return new Belonging(settings, Identity.of(secret, settings.cluster()));
    }

    static Offer offer(Role role) {
        return new Offer(role, "127.0.0.1", 1, 1 << 30, 2, "abc", "1.0");
    }

    static String place(JGroupsMembership member) {
        return "127.0.0.1:" + member.port();
    }

    /// Starts a member that joins those that are there.
    JGroupsMembership start(String name) {
        return start(name, members.isEmpty() ? List.of() : List.of(place(members.getFirst())));
    }

    /// Starts a member that is told of one other, whether that leads or not.
    JGroupsMembership startBeside(String name, JGroupsMembership other) {
        return start(name, List.of(place(other)));
    }

    private JGroupsMembership start(String name, List<String> join) {
        JGroupsMembership member =
                JGroupsMembership.join(belonging(secret, join), name, offer(Role.NODE), !join.isEmpty());
        members.add(member);
        return member;
    }

    void stop(JGroupsMembership member) {
        members.remove(member);
        member.close();
    }

    List<JGroupsMembership> members() {
        return members;
    }

    static List<String> names(Membership seenBy) {
        return seenBy.members().stream().map(Member::name).sorted().toList();
    }

    static Member named(Membership seenBy, String name) {
        return seenBy.members().stream()
                .filter(member -> member.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, what);
            Thread.sleep(20);
        }
    }

    @Override
    public void close() {
        members.reversed().forEach(JGroupsMembership::close);
    }
}
