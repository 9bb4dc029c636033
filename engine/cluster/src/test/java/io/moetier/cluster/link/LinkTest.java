package io.moetier.cluster.link;

import static io.moetier.cluster.link.LinkFixture.DEADLINE;
import static io.moetier.cluster.link.LinkFixture.HOST;
import static io.moetier.cluster.link.LinkFixture.LONG;
import static io.moetier.cluster.link.LinkFixture.hello;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cluster.membership.Identity;
import io.moetier.cluster.relay.Relay;
import io.moetier.cluster.wire.ExpertReply;
import io.moetier.cluster.wire.ExpertRequest;
import io.moetier.cluster.wire.Messages;
import io.moetier.cluster.wire.Protocol;
import io.moetier.storage.model.ExpertId;
import io.moetier.testdata.ChildProcess;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Links over real connections: what crosses, and what happens when one side does not do its part.
@Timeout(120)
class LinkTest {
    private static final int ROUNDS = 50;

    @TempDir
    Path folder;

    private final Random random = new Random(24);
    private final TestService service = new TestService();
    private final ExpertRequest request = new ExpertRequest();
    private final ExpertReply reply = new ExpertReply();
    private Identity identity;
    private NodeServer server;

    @BeforeEach
    void start() throws IOException {
        identity = LinkFixture.secret(folder, "a secret of this cluster");
        server = NodeServer.start(HOST, 0, identity, service);
    }

    @AfterEach
    void stop() throws InterruptedException {
        server.close();
        LinkFixture.requireNoThreads();
    }

    @Test
    void whatIsAskedIsAnswered() throws IOException {
        try (NodeLink link = open()) {
            assertEquals("plain", link.welcome().kernels());
            assertArrayEquals(TestService.WELCOME.onDisk(), link.welcome().onDisk());
            assertEquals("abc", service.hellos.element().model());
            assertArrayEquals(new byte[] {1, 2, 3}, service.hellos.element().manifest());
            for (int i = 0; i < ROUNDS; i++) {
                Messages.fill(request, random, 1 + random.nextInt(8), 1 + random.nextInt(9), 1 + random.nextInt(2000));
                link.send(request);
                assertTrue(link.receive(reply, LONG), link::failure);
                requireAnswer();
            }
        }
    }

    @Test
    void severalRequestsMayBeUnderWay() throws IOException {
        try (NodeLink link = open()) {
            for (int i = 0; i < 3; i++) {
                for (int j = 0; j < NodeLink.MAX_UNANSWERED; j++) {
                    fill(j, 1 << 18);
                    link.send(request);
                }
                assertThrows(IllegalStateException.class, () -> link.send(request));
                for (int j = 0; j < NodeLink.MAX_UNANSWERED; j++) {
                    assertTrue(link.receive(reply, LONG), link::failure);
                    assertEquals(j, reply.sequence);
                }
            }
            assertThrows(IllegalStateException.class, () -> link.receive(reply, LONG));
        }
    }

    @Test
    void theLargestMessagesCross() throws IOException {
        try (NodeLink link = open()) {
            request.reserve(1, 1, 1, 1 << 20);
            request.size = 1 << 20;
            request.tokens = 1;
            request.numExperts = 1;
            request.numRows = 3;
            request.numInputs = 3;
            request.reserve(1, 3, 3, 1 << 20);
            request.counts[0] = 3;
            Arrays.fill(request.inputs, 7);
            request.rows[1] = 1;
            request.rows[2] = 2;
            link.send(request);
            assertTrue(link.receive(reply, LONG), link::failure);
            requireAnswer();
            request.numInputs = 4;
            request.reserve(1, 3, 4, 1 << 20);
            request.counts[0] = 3;
            assertThrows(IllegalArgumentException.class, () -> link.send(request));
            fill(1, 1);
            link.send(request);
            assertTrue(link.receive(reply, LONG), link::failure);
        }
    }

    @Test
    void itIsToldWhatIsReady() throws Exception {
        try (NodeLink link = open()) {
            Consumer<int[]> tell = service.ready.take();
            assertFalse(link.has(7));
            link.assign(new int[] {9, 7, 8});
            assertArrayEquals(new int[] {9, 7, 8}, service.assigned.take());
            tell.accept(new int[] {7, 100});
            tell.accept(new int[] {9});
            roundTrip(link);
            assertTrue(link.has(7) && link.has(9));
            assertFalse(link.has(8) || link.has(100));
            link.assign(new int[] {8, 9});
            assertTrue(link.has(7) && link.has(9), "it still has what is another's now");
            assertFalse(link.has(8));
            tell.accept(new int[] {8});
            roundTrip(link);
            assertTrue(link.has(8));
        }
    }

    /// Of what it says while it computes nobody knows which came first.
    @Test
    void whatANodeLacksIsNotReadyUntilItSaysSoAgain() throws Exception {
        int here = ExpertId.pack(3, 1);
        int lost = ExpertId.pack(3, TestService.FIRST_LACKING);
        try (NodeLink link = open()) {
            Consumer<int[]> tell = service.ready.take();
            link.assign(new int[] {here, lost});
            service.assigned.take();
            tell.accept(new int[] {here, lost});
            roundTrip(link);
            assertTrue(link.has(here) && link.has(lost));
            ask(link, 3, 1, TestService.FIRST_LACKING);
            assertTrue(link.has(here));
            assertFalse(link.has(lost));
            service.before = _ -> tell.accept(new int[] {lost});
            ask(link, 3, 1, TestService.FIRST_LACKING);
            assertTrue(link.has(here) && link.has(lost));
        }
    }

    private void ask(NodeLink link, int layer, int... experts) {
        Messages.fill(request, random, experts.length, 2, 4);
        request.layer = layer;
        System.arraycopy(experts, 0, request.experts, 0, experts.length);
        link.send(request);
        assertTrue(link.receive(reply, LONG), link::failure);
    }

    @Test
    void itMeasuresTheWayThereAndBack() throws IOException {
        try (NodeLink link = open()) {
            assertTrue(link.roundTripNanos(0, 0, 3) > 0);
            assertTrue(link.roundTripNanos(1000, 1 << 20, 2) > 0);
            assertThrows(IllegalArgumentException.class, () -> link.roundTripNanos(0, Protocol.MAX_BYTES + 1, 1));
            server.close();
            assertEquals(Long.MAX_VALUE, link.roundTripNanos(0, 0, 3));
        }
    }

    @Test
    void oneDriverDoesNotWaitForAnother() throws Exception {
        CountDownLatch held = new CountDownLatch(1);
        service.before = each -> {
            if (each.layer == 1) {
                await(held);
            }
        };
        try (NodeLink first = open();
                NodeLink second = open()) {
            fill(1, 8);
            request.layer = 1;
            first.send(request);
            request.layer = 2;
            second.send(request);
            assertTrue(second.receive(reply, LONG), second::failure);
            held.countDown();
            assertTrue(first.receive(reply, LONG), first::failure);
        }
    }

    @Test
    void aNodeRefusesAModelWithItsOwnWords() throws Exception {
        RefusedException refused = assertThrows(
                RefusedException.class,
                () -> GrpcNodeLink.open(HOST, server.port(), identity, hello(TestService.REFUSED_MODEL), DEADLINE));
        assertEquals(HOST + ":" + server.port() + ": no node has a model that it does not want", refused.getMessage());
    }

    @Test
    void aNodeRefusesARequestWithItsOwnWords() throws Exception {
        service.before = each -> {
            throw new RefusedException("this model has no layer " + each.layer);
        };
        try (NodeLink link = open()) {
            fill(1, 4);
            request.layer = 99;
            link.send(request);
            assertFalse(link.receive(reply, LONG));
            assertEquals(HOST + ":" + server.port() + ": this model has no layer 99", link.failure());
            assertFalse(link.isUp());
            assertFalse(link.receive(reply, LONG));
            link.send(request);
            link.assign(new int[] {1});
            await(service.closed);
        }
    }

    @Test
    void aNodeThatFailsSaysSo() throws Exception {
        service.before = each -> {
            throw new IllegalStateException("a fault");
        };
        try (NodeLink link = open()) {
            fill(1, 4);
            link.send(request);
            assertFalse(link.receive(reply, LONG));
            assertEquals(
                    HOST + ":" + server.port() + ": the node failed: java.lang.IllegalStateException: a fault",
                    link.failure());
            await(service.closed);
        }
    }

    @Test
    void anAnswerToAnotherRequestIsRefused() throws IOException {
        service.after = each -> each.sequence++;
        try (NodeLink link = open()) {
            fill(1, 4);
            link.send(request);
            assertFalse(link.receive(reply, LONG));
            assertEquals(HOST + ":" + server.port() + ": the node answers what it was not asked", link.failure());
        }
    }

    @Test
    void aPeerThatIsKilledIsNoticedAtOnce() throws Exception {
        CountDownLatch held = new CountDownLatch(1);
        service.before = each -> await(held);
        try (Relay relay = Relay.to(server.port());
                NodeLink link = LinkFixture.open(relay.port(), identity)) {
            fill(1, 4);
            link.send(request);
            Thread cutter = Thread.ofPlatform().start(() -> {
                while (service.numComputing.get() == 0) {
                    Thread.onSpinWait();
                }
                relay.cut();
            });
            assertFalse(link.receive(reply, LONG));
            assertFalse(link.isUp());
            cutter.join();
            held.countDown();
            await(service.closed);
            assertEquals(0, service.numComputing.get());
        }
    }

    @Test
    void aPeerThatHangsIsGivenUpAtTheDeadline() throws IOException {
        try (Relay relay = Relay.to(server.port());
                NodeLink link = LinkFixture.open(relay.port(), identity)) {
            relay.stall();
            fill(1, 4);
            link.send(request);
            assertFalse(link.receive(reply, TimeUnit.MILLISECONDS.toNanos(50)));
            assertEquals(HOST + ":" + relay.port() + ": no reply within 50 ms", link.failure());
            relay.resume();
            assertFalse(link.receive(reply, LONG));
        }
    }

    @Test
    void aNodeThatHangsAtTheOpeningIsGivenUp() throws IOException {
        try (Relay relay = Relay.to(server.port())) {
            relay.stall();
            assertEquals(
                    HOST + ":" + relay.port() + ": no answer within 200 ms",
                    assertThrows(
                                    IOException.class,
                                    () -> GrpcNodeLink.open(
                                            HOST, relay.port(), identity, hello("abc"), Duration.ofMillis(200)))
                            .getMessage());
        }
    }

    @Test
    void aSlowLinkBringsTheSame() throws IOException {
        try (Relay relay = Relay.to(server.port()).delay(1000).rate(20_000_000);
                NodeLink link = LinkFixture.open(relay.port(), identity)) {
            for (int i = 0; i < 3; i++) {
                fill(i, 1 << 16);
                link.send(request);
                assertTrue(link.receive(reply, LONG), link::failure);
                requireAnswer();
            }
            assertTrue(link.roundTripNanos(0, 0, 3) >= TimeUnit.MILLISECONDS.toNanos(2));
        }
    }

    @Test
    void aDriverThatLeavesFreesWhatItHeld() throws Exception {
        CountDownLatch held = new CountDownLatch(1);
        service.before = each -> await(held);
        try (NodeLink link = open()) {
            fill(1, 4);
            link.send(request);
            while (service.numComputing.get() == 0) {
                Thread.onSpinWait();
            }
        }
        assertEquals(1, service.closed.getCount(), "closed while it computes");
        held.countDown();
        await(service.closed);
        assertEquals(1, service.computed.size());
    }

    @Test
    void aNodeThatLeavesEndsItsLinks() throws Exception {
        try (NodeLink link = open()) {
            fill(1, 4);
            link.send(request);
            assertTrue(link.receive(reply, LONG), link::failure);
            link.send(request);
            server.close();
            assertEquals(0, service.closed.getCount());
            link.receive(reply, LONG); // it may have come
            link.send(request);
            assertFalse(link.receive(reply, LONG));
        }
    }

    /// In a JVM that has no other links, as all share the timers of gRPC and netty.
    @Test
    void noThreadIsLeftOverWhenAllAreClosed() throws IOException, InterruptedException {
        ChildProcess.Ended ended =
                ChildProcess.run(new ProcessBuilder(ChildProcess.java(ClosedLinks.class, List.of(folder.toString()))));
        assertEquals(0, ended.exitCode(), ended.said());
    }

    @Test
    void nobodyThereIsSaidInASentence() throws IOException {
        server.close();
        assertEquals(
                HOST + ":" + server.port() + ": Connection refused",
                assertThrows(IOException.class, this::open).getMessage());
        assertEquals(
                "no.such.host.invalid: no such host",
                assertThrows(
                                IOException.class,
                                () -> GrpcNodeLink.open("no.such.host.invalid", 1, identity, hello("abc"), DEADLINE))
                        .getMessage());
        try (ServerSocket taken = new ServerSocket(0)) {
            assertEquals(
                    HOST + ":" + taken.getLocalPort() + ": cannot listen there: Address already in use",
                    assertThrows(
                                    IOException.class,
                                    () -> NodeServer.start(HOST, taken.getLocalPort(), identity, service))
                            .getMessage());
        }
    }

    private NodeLink open() throws IOException {
        return LinkFixture.open(server.port(), identity);
    }

    private void fill(long sequence, int size) {
        Messages.fill(request, random, 2, 2, size);
        request.sequence = sequence;
    }

    private void roundTrip(NodeLink link) {
        fill(1, 4);
        link.send(request);
        assertTrue(link.receive(reply, LONG), link::failure);
    }

    private void requireAnswer() {
        ExpertReply expected = new ExpertReply();
        TestService.fill(request, expected);
        assertEquals(expected.sequence, reply.sequence);
        assertEquals(expected.numRows, reply.numRows);
        assertArrayEquals(
                Arrays.copyOf(expected.lacking, request.numExperts), Arrays.copyOf(reply.lacking, request.numExperts));
        int length = expected.numRows * expected.size;
        for (int i = 0; i < length; i++) {
            assertEquals(Float.floatToRawIntBits(expected.outputs[i]), Float.floatToRawIntBits(reply.outputs[i]));
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(1, TimeUnit.MINUTES));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
