package io.moetier.cluster.membership.jgroups;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.MembershipException;
import io.moetier.cluster.membership.MembershipListener;
import io.moetier.cluster.membership.Offer.Role;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JGroupsMembershipTest {
    @TempDir
    Path folder;

    @Test
    void membersKnowEachOtherAndWhatTheyOffer() throws Exception {
        try (Cluster cluster = new Cluster(folder, "0123456789abcdef")) {
            JGroupsMembership a = cluster.start("a");
            BlockingQueue<String> news = new LinkedBlockingQueue<>();
            a.listen(new MembershipListener() {
                @Override
                public void onJoined(Member member) {
                    news.add("+" + member.name());
                }

                @Override
                public void onLeft(Member member) {
                    news.add("-" + member.name());
                }
            });
            JGroupsMembership b = cluster.start("b");
            assertEquals(List.of("a", "b"), Cluster.names(b));
            assertEquals("+b", news.take());
            assertEquals(b.self(), Cluster.named(a, "b"));
            a.ownership().publish("m", new byte[] {1});
            JGroupsMembership c = cluster.start("c");
            assertArrayEquals(new byte[] {1}, c.ownership().table("m").orElseThrow());
            c.tasks().offer("twice", 1, bytes -> new byte[] {bytes[0], bytes[0]});
            assertArrayEquals(
                    new byte[] {7, 7},
                    a.tasks().submit(Cluster.named(a, "c"), "twice", new byte[] {7}).get());
            cluster.stop(b);
            assertEquals("+c", news.take());
            assertEquals("-b", news.take());
        }
    }

    @Test
    void whoHasAnotherSecretIsToldSo() throws Exception {
        try (Cluster cluster = new Cluster(folder, "0123456789abcdef")) {
            JGroupsMembership a = cluster.start("a");
            MembershipException e = assertThrows(MembershipException.class, () -> JGroupsMembership.join(
                    Cluster.settings(List.of(Cluster.place(a))),
                    Optional.of(Cluster.secret(folder, "0123456789abcdeF")),
                    "b",
                    Cluster.offer(Role.NODE),
                    false));
            assertEquals("who listens at " + Cluster.place(a) + " has another secret, or is of a cluster of another name", e.getMessage());
        }
    }
}
