package io.moetier.cluster.membership.jgroups;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.membership.Member;
import io.moetier.cluster.membership.MemberLeftException;
import io.moetier.cluster.membership.TaskException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RemoteTasksTest {
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

    private static Throwable failure(CompletableFuture<byte[]> result) {
        return Objects.requireNonNull(assertThrows(ExecutionException.class, () -> result.get(1, TimeUnit.MINUTES))
                .getCause());
    }

    private static String message(CompletableFuture<byte[]> result) {
        return String.valueOf(failure(result).getMessage());
    }

    @Test
    void answersAndFailuresComeBack() throws Exception {
        JGroupsMembership a = cluster.start("a");
        JGroupsMembership b = cluster.start("b");
        b.tasks().offer("echo", 2, bytes -> bytes);
        b.tasks().offer("fail", 1, bytes -> {
            throw new IllegalStateException(new String(bytes, StandardCharsets.UTF_8));
        });
        byte[] large = new byte[3 << 20]; // of many fragments
        new SplittableRandom(1).nextBytes(large);
        Member remote = Cluster.named(a, "b");
        CompletableFuture<byte[]> other = a.tasks().submit(remote, "echo", new byte[0]);
        assertArrayEquals(large, a.tasks().submit(remote, "echo", large).get(1, TimeUnit.MINUTES));
        assertArrayEquals(new byte[0], other.get(1, TimeUnit.MINUTES));
        assertArrayEquals(
                new byte[] {3},
                b.tasks().submit(b.self(), "echo", new byte[] {3}).get(1, TimeUnit.MINUTES));
        Throwable failed = failure(a.tasks().submit(remote, "fail", "no\u0007".getBytes(StandardCharsets.UTF_8)));
        assertInstanceOf(TaskException.class, failed);
        assertEquals("no ", failed.getMessage(), "whatever a terminal obeys stays away");
        assertEquals(
                666, message(a.tasks().submit(remote, "fail", new byte[5000])).length());
        assertEquals("it does not do what is called dance", message(a.tasks().submit(remote, "dance", new byte[0])));
        assertThrows(IllegalStateException.class, () -> b.tasks().offer("echo", 1, bytes -> bytes));
        cluster.stop(b);
        assertInstanceOf(MemberLeftException.class, failure(a.tasks().submit(remote, "echo", new byte[0])));
    }

    @Test
    void whatHasNotBegunIsForgottenOrRefused() throws Exception {
        JGroupsMembership a = cluster.start("a");
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        AtomicInteger done = new AtomicInteger();
        a.tasks().offer("wait", 1, bytes -> {
            begun.countDown();
            end.await();
            done.incrementAndGet();
            return bytes;
        });
        CompletableFuture<byte[]> first = a.tasks().submit(a.self(), "wait", new byte[0]);
        begun.await();
        List<CompletableFuture<byte[]>> waiting = new ArrayList<>();
        for (int i = 0; i < 1024; i++) {
            waiting.add(a.tasks().submit(a.self(), "wait", new byte[0]));
        }
        assertEquals("it has too much to do", message(a.tasks().submit(a.self(), "wait", new byte[0])));
        waiting.forEach(one -> one.cancel(false));
        // This answer is sent behind the cancellations, and comes when they have made room.
        assertEquals("it does not do what is called dance", message(a.tasks().submit(a.self(), "dance", new byte[0])));
        CompletableFuture<byte[]> last = a.tasks().submit(a.self(), "wait", new byte[0]);
        end.countDown();
        first.get(1, TimeUnit.MINUTES);
        last.get(1, TimeUnit.MINUTES);
        assertEquals(2, done.get());
    }

    /// Members come and go, in good order and without a word, while all ask all: each question is answered
    /// once, with its own answer, or fails because the member has left.
    @Test
    void eachTaskEndsOnceWhileMembersComeAndGo() throws Exception {
        SplittableRandom random = new SplittableRandom(24);
        Map<Long, AtomicInteger> worked = new ConcurrentHashMap<>();
        List<CompletableFuture<byte[]>> results = new ArrayList<>();
        AtomicInteger ends = new AtomicInteger();
        long number = 0;
        for (int event = 0; event < 200; event++) {
            List<JGroupsMembership> members = cluster.members();
            if (members.size() < 2 || (members.size() < 5 && random.nextInt(10) == 0)) {
                JGroupsMembership member = cluster.start("m" + event);
                member.tasks().offer("work", 1 + random.nextInt(3), bytes -> {
                    worked.computeIfAbsent(ByteBuffer.wrap(bytes).getLong(), k -> new AtomicInteger())
                            .incrementAndGet();
                    Thread.sleep(bytes[7] & 3);
                    return bytes;
                });
            } else if (random.nextInt(10) == 0) {
                cluster.stop(members.get(random.nextInt(members.size())));
            } else {
                JGroupsMembership asker = members.get(random.nextInt(members.size()));
                List<Member> seen = asker.members();
                Member asked = seen.get(random.nextInt(seen.size()));
                for (int i = random.nextInt(20); i >= 0; i--) {
                    byte[] argument = ByteBuffer.allocate(8 + random.nextInt(2000))
                            .putLong(number++)
                            .array();
                    results.add(asker.tasks().submit(asked, "work", argument).whenComplete((answer, failure) -> {
                        ends.incrementAndGet();
                        if (failure == null) {
                            assertArrayEquals(argument, answer);
                        }
                    }));
                }
            }
        }
        for (CompletableFuture<byte[]> result : results) {
            try {
                result.get(1, TimeUnit.MINUTES);
            } catch (ExecutionException e) {
                assertInstanceOf(MemberLeftException.class, e.getCause());
            }
        }
        assertEquals(results.size(), ends.get());
        assertTrue(worked.values().stream().allMatch(times -> times.get() == 1), "some work was done twice");
    }
}
