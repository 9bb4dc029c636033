package io.moetier.bench;

import io.moetier.cluster.link.GrpcNodeLink;
import io.moetier.cluster.link.NodeLink;
import io.moetier.cluster.link.NodeServer;
import io.moetier.cluster.link.NodeService;
import io.moetier.cluster.membership.Identity;
import io.moetier.cluster.membership.SharedSecret;
import io.moetier.cluster.wire.ExpertReply;
import io.moetier.cluster.wire.ExpertRequest;
import io.moetier.cluster.wire.Hello;
import io.moetier.cluster.wire.Welcome;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jgroups.Address;
import org.jgroups.BytesMessage;
import org.jgroups.JChannel;
import org.jgroups.Message;
import org.jgroups.blocks.MessageDispatcher;
import org.jgroups.blocks.RequestOptions;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// How long activations take to a node on this machine and back, over ways that there are: a link as the engine has it,
/// bare sockets, and the messages of the cluster's membership.
///
/// Each side has its own threads, and both are in one process, so that the differences between the ways count and not
/// what they have in common.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 3, time = 2)
public class LinkBenchmark {
    private static final long DEADLINE_NANOS = TimeUnit.SECONDS.toNanos(20);

    @Param({"4096", "16384", "65536"})
    public int bytes = 1 << 14;

    /// Over what; each benchmark starts what it needs alone.
    @Param({"link", "sockets", "messages"})
    public String way = "link";

    private Way open = () -> {};
    private AutoCloseable closed = () -> {};

    /// Sends something and waits for an answer of the same size.
    private interface Way {
        void thereAndBack() throws Exception;
    }

    @Setup(Level.Trial)
    public void open() throws Exception {
        switch (way) {
            case "link" -> openLink();
            case "sockets" -> openSockets();
            case "messages" -> openMessages();
            default -> throw new IllegalArgumentException(way);
        }
    }

    @TearDown(Level.Trial)
    public void close() throws Exception {
        closed.close();
    }

    @Benchmark
    public void thereAndBack() throws Exception {
        open.thereAndBack();
    }

    private void openLink() throws IOException {
        Path folder = Files.createTempDirectory("moetier-bench");
        Path file = folder.resolve("secret");
        Identity identity = Identity.of(SharedSecret.readOrCreate(file), "benchmark");
        Files.delete(file);
        Files.delete(folder);
        NodeServer server = NodeServer.start("127.0.0.1", 0, identity, new Echo());
        NodeLink link = GrpcNodeLink.open(
                "127.0.0.1",
                server.port(),
                identity,
                new Hello("", "", false, "", new byte[0], Map.of()),
                Duration.ofNanos(DEADLINE_NANOS));
        ExpertRequest request = new ExpertRequest();
        request.size = bytes / Float.BYTES;
        request.tokens = 1;
        request.numExperts = 1;
        request.numRows = 1;
        request.numInputs = 1;
        request.reserve(1, 1, 1, request.size);
        request.counts[0] = 1;
        ExpertReply reply = new ExpertReply();
        open = () -> {
            request.sequence++;
            link.send(request);
            if (!link.receive(reply, DEADLINE_NANOS)) {
                throw new IllegalStateException(link.failure());
            }
        };
        closed = () -> {
            link.close();
            server.close();
        };
    }

    private void openSockets() throws IOException {
        ServerSocketChannel server =
                ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        SocketChannel client = SocketChannel.open(server.getLocalAddress());
        SocketChannel taken = server.accept();
        client.setOption(StandardSocketOptions.TCP_NODELAY, true);
        taken.setOption(StandardSocketOptions.TCP_NODELAY, true);
        Thread.ofPlatform().daemon().name("echo").start(() -> {
            ByteBuffer buffer = ByteBuffer.allocateDirect(bytes);
            while (transfer(taken, buffer, false) && transfer(taken, buffer, true)) {}
        });
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes);
        open = () -> {
            if (!transfer(client, buffer, true) || !transfer(client, buffer, false)) {
                throw new IllegalStateException("the echo ended");
            }
        };
        closed = () -> {
            client.close();
            taken.close();
            server.close();
        };
    }

    private static boolean transfer(SocketChannel channel, ByteBuffer buffer, boolean out) {
        buffer.clear();
        try {
            while (buffer.hasRemaining()) {
                if ((out ? channel.write(buffer) : channel.read(buffer)) < 0) {
                    return false;
                }
            }
            return true;
        } catch (IOException e) {
            return false; // closed
        }
    }

    private void openMessages() throws Exception {
        JChannel first =
                new JChannel(LinkBenchmark.class.getResource("link-jgroups.xml").openStream());
        JChannel second =
                new JChannel(LinkBenchmark.class.getResource("link-jgroups.xml").openStream());
        MessageDispatcher echo = new MessageDispatcher(
                second,
                message -> new BytesMessage(null, message.getArray(), message.getOffset(), message.getLength()));
        MessageDispatcher asker = new MessageDispatcher(first);
        second.connect("bench");
        first.connect("bench");
        Address target = second.getAddress();
        byte[] content = new byte[bytes];
        RequestOptions options = RequestOptions.SYNC()
                .timeout(TimeUnit.NANOSECONDS.toMillis(DEADLINE_NANOS))
                .flags(Message.Flag.OOB, Message.Flag.DONT_BUNDLE, Message.Flag.NO_FC);
        open = () -> asker.sendMessage(new BytesMessage(target, content), options);
        closed = () -> {
            asker.close();
            echo.close();
            first.close();
            second.close();
        };
    }

    /// A node whose experts give back what they are given.
    private static final class Echo implements NodeService, NodeService.Guest {
        @Override
        public Guest open(Hello hello, Consumer<int[]> ready) {
            return this;
        }

        @Override
        public Welcome welcome() {
            return new Welcome("", 0, 1, 1, new int[0]);
        }

        @Override
        public void assign(int[] ids) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void compute(ExpertRequest request, ExpertReply reply) {
            reply.reserve(1, 1, request.size);
            reply.sequence = request.sequence;
            reply.numExperts = 1;
            reply.numRows = 1;
            reply.size = request.size;
            reply.numRead = 0;
            System.arraycopy(request.inputs, 0, reply.outputs, 0, request.size);
        }

        @Override
        public void close() {}
    }
}
