package io.moetier.cluster.membership.jgroups;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.cluster.membership.MemberLeftException;
import io.moetier.cluster.membership.Ownership;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jgroups.Address;
import org.jgroups.View;
import org.jgroups.protocols.DISCARD;
import org.jgroups.protocols.TCP;
import org.jgroups.protocols.pbcast.GMS;
import org.jgroups.stack.ProtocolStack;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplicatedTablesTest {
    @TempDir
    Path folder;

    private Cluster cluster;

    @BeforeEach
    void start() throws Exception {
        cluster = new Cluster(folder, "0123456789abcdef");
    }

    @AfterEach
    void stop() {
        cluster.close();
    }

    private void awaitTable(JGroupsMembership member, String model, byte... table) throws InterruptedException {
        Cluster.await(
                model + " of " + member.self().name(),
                () -> Arrays.equals(table, member.ownership().table(model).orElse(null)));
    }

    @Test
    void tablesOutliveTheirMakersAndReachWhoComesLater() throws Exception {
        JGroupsMembership a = cluster.start("a");
        JGroupsMembership b = cluster.start("b");
        byte[] large = new byte[Ownership.MAX_TABLE_BYTES];
        new SplittableRandom(2).nextBytes(large);
        b.ownership().publish("large", large);
        b.ownership().publish("x", new byte[] {1});
        a.ownership().publish("gone", new byte[] {2});
        awaitTable(a, "x", (byte) 1);
        awaitTable(b, "gone", (byte) 2);
        b.ownership().forget("gone");
        a.ownership().publish("x", new byte[] {3});
        awaitTable(b, "x", (byte) 3);
        JGroupsMembership c = cluster.start("c");
        Cluster.await(
                "large", () -> Arrays.equals(large, c.ownership().table("large").orElse(null)));
        Cluster.await("forgotten", () -> a.ownership().table("gone").isEmpty());
        cluster.stop(a); // the coordinator
        cluster.stop(b); // who published
        JGroupsMembership d = cluster.start("d");
        assertEquals(Set.of("large", "x"), d.ownership().models());
        assertArrayEquals(new byte[] {3}, d.ownership().table("x").orElseThrow());
        assertEquals(Optional.empty(), d.ownership().table("gone"));
        assertThrows(IllegalArgumentException.class, () -> d.ownership().publish("x", new byte[large.length + 1]));
        for (int i = 2; i < Ownership.MAX_TABLES; i++) {
            d.ownership().publish("m" + i, new byte[0]);
        }
        assertThrows(IllegalArgumentException.class, () -> d.ownership().publish("more", new byte[0]));
        d.ownership().forget("x");
        d.ownership().publish("more", new byte[0]);
        Cluster.await(
                "the same", () -> c.ownership().models().equals(d.ownership().models()));
    }

    /// Who jumps to the end of the clock keeps its table, and nobody from publishing others.
    @Test
    void aJumpOfTheClockKeepsNobodyFromPublishing() throws Exception {
        List<byte[]> sent = new ArrayList<>();
        ReplicatedTables one = new ReplicatedTables(post(sent), "b", true);
        ReplicatedTables other = new ReplicatedTables(post(new ArrayList<>()), "c", true);
        assertThrows(Frame.MalformedException.class, () -> table(one, "x", Long.MAX_VALUE, "a"));
        for (String maker : List.of("a", "z")) {
            table(one, maker, Long.MAX_VALUE / 2, maker);
            one.publish(maker, new byte[] {2});
        }
        one.publish("new", new byte[] {3});
        for (byte[] frame : sent) {
            other.onTable(Frame.read(frame, 0, frame.length), false);
        }
        assertArrayEquals(new byte[] {2}, one.table("a").orElseThrow());
        assertArrayEquals(new byte[] {1}, one.table("z").orElseThrow());
        assertArrayEquals(new byte[] {3}, other.table("new").orElseThrow());
    }

    private static void table(ReplicatedTables tables, String model, long number, String maker)
            throws Frame.MalformedException {
        byte[] frame = Frame.of(Frame.Kind.TABLE, model, number, maker, 1L, new byte[] {1});
        tables.onTable(Frame.read(frame, 0, frame.length), false);
    }

    private static Post post(List<byte[]> sent) {
        return new Post() {
            @Override
            public void send(Address member, byte[] frame) {}

            @Override
            public void sendSoon(Address member, byte[] frame) {}

            @Override
            public void sendAllSoon(byte[] frame) {
                sent.add(frame);
            }
        };
    }

    /// Two and two that cannot hear each other, each half with its own view, and then they can again.
    @Test
    void halvesThatMeetAgainAgree() throws Exception {
        List<JGroupsMembership> all =
                List.of(cluster.start("a"), cluster.start("b"), cluster.start("c"), cluster.start("d"));
        JGroupsMembership a = all.get(0);
        JGroupsMembership b = all.get(1);
        JGroupsMembership c = all.get(2);
        JGroupsMembership d = all.get(3);
        for (JGroupsMembership member : all) {
            Cluster.await("introduced", () -> Cluster.names(member).size() == 4);
        }
        CountDownLatch end = new CountDownLatch(1);
        d.tasks().offer("wait", 1, bytes -> {
            end.await();
            return bytes;
        });
        CompletableFuture<byte[]> task = a.tasks().submit(Cluster.named(a, "d"), "wait", new byte[0]);
        a.ownership().publish("both", new byte[] {1});
        awaitTable(d, "both", (byte) 1);
        split(a, b, c, d);
        assertInstanceOf(
                MemberLeftException.class,
                assertThrows(ExecutionException.class, () -> task.get(1, TimeUnit.MINUTES))
                        .getCause());
        assertEquals(List.of("a", "b"), Cluster.names(b));
        assertEquals(List.of("c", "d"), Cluster.names(c));
        a.ownership().publish("both", new byte[] {2});
        c.ownership().publish("both", new byte[] {3});
        c.ownership().publish("both", new byte[] {4}); // one publication more comes before it
        b.ownership().publish("left", new byte[] {5});
        d.ownership().publish("right", new byte[] {6});
        for (JGroupsMembership member : all) {
            ((DISCARD) member.channel.getProtocolStack().findProtocol(DISCARD.class)).resetIgnoredMembers();
        }
        for (JGroupsMembership member : all) {
            Cluster.await("four", () -> Cluster.names(member).size() == 4);
            awaitTable(member, "both", (byte) 4);
            awaitTable(member, "left", (byte) 5);
            awaitTable(member, "right", (byte) 6);
        }
        end.countDown();
        assertArrayEquals(
                new byte[] {7},
                a.tasks().submit(Cluster.named(a, "d"), "wait", new byte[] {7}).get(1, TimeUnit.MINUTES));
    }

    private static void split(JGroupsMembership a, JGroupsMembership b, JGroupsMembership c, JGroupsMembership d)
            throws Exception {
        Cluster.await(
                "four", () -> Cluster.names(b).size() == 4 && Cluster.names(d).size() == 4);
        for (JGroupsMembership one : List.of(a, b, c, d)) {
            DISCARD discard = new DISCARD();
            boolean isLeft = one == a || one == b;
            for (JGroupsMembership other : isLeft ? List.of(c, d) : List.of(a, b)) {
                discard.addIgnoreMember(other.channel.address());
            }
            one.channel.getProtocolStack().insertProtocol(discard, ProtocolStack.Position.ABOVE, TCP.class);
        }
        for (List<JGroupsMembership> half : List.of(List.of(a, b), List.of(c, d))) {
            List<Address> members =
                    half.stream().map(one -> one.channel.address()).toList();
            View view = new View(members.getFirst(), 100, members);
            for (JGroupsMembership one : half) {
                one.channel.getProtocolStack().<GMS>findProtocol(GMS.class).installView(view);
            }
        }
    }
}
