package io.moetier.cluster.link;

import io.grpc.Attributes;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServerTransportFilter;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.moetier.cluster.wire.Protocol;
import io.moetier.storage.format.IoFailure;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/// Takes the links of drivers and has a [NodeService] answer what comes over them.
///
/// Threads: one sends and receives for all links, and each link has one that computes, so that a driver waits for its
/// own requests only. No message is read of a driver that has not proved that it belongs here.
public final class NodeServer implements AutoCloseable {
    /// How many drivers may be there at once.
    static final int MAX_LINKS = 64;

    private static final Attributes.Key<Challenge> CHALLENGE = Attributes.Key.create("moetier-challenge");
    private static final int MAX_CALLS = 4; // of a connection
    private static final int FIRST_WORD_SECONDS = 10; // for a connection to begin, and to end that has no link

    private final NodeService service;
    private final Handshake handshake;
    private final EventLoopGroup thread = Streams.thread("moetier-node-io");
    private final Server server;
    private final Set<ServedLink> links = ConcurrentHashMap.newKeySet();
    private final AtomicInteger numOpened = new AtomicInteger();
    private int port;

    private NodeServer(
            InetSocketAddress address, LinkSecurity security, NodeService service, ServerServiceDefinition... others) {
        this.service = service;
        this.handshake = new Handshake(security.secret());
        NettyServerBuilder builder = NettyServerBuilder.forAddress(address)
                .channelType(NioServerSocketChannel.class)
                .bossEventLoopGroup(thread)
                .workerEventLoopGroup(thread)
                .directExecutor()
                .decompressorRegistry(Streams.UNCOMPRESSED)
                .flowControlWindow(Streams.WINDOW_BYTES)
                .maxInboundMessageSize(Protocol.MAX_BYTES)
                .maxInboundMetadataSize(Streams.HEADER_BYTES)
                .maxConcurrentCallsPerConnection(MAX_CALLS)
                .handshakeTimeout(FIRST_WORD_SECONDS, TimeUnit.SECONDS)
                .maxConnectionIdle(FIRST_WORD_SECONDS, TimeUnit.SECONDS)
                .keepAliveTime(Streams.KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                .keepAliveTimeout(Streams.SILENCE_SECONDS, TimeUnit.SECONDS)
                .permitKeepAliveTime(Streams.SILENCE_SECONDS, TimeUnit.SECONDS)
                .addTransportFilter(new Challenges())
                .addService(ServerServiceDefinition.builder(Streams.SERVICE)
                        .addMethod(Streams.CHALLENGE, this::challenge)
                        .addMethod(Streams.LINK, this::link)
                        .build());
        security.tls().ifPresent(tls -> builder.sslContext(LinkSecurity.server(tls)));
        for (ServerServiceDefinition other : others) {
            builder.addService(other);
        }
        this.server = builder.build();
    }

    /// Begins to listen.
    ///
    /// @param port 0 for any that is free
    /// @param others what else is offered there, each with a proof of its own
    /// @throws IOException if nobody can listen there
    public static NodeServer start(
            String host, int port, LinkSecurity security, NodeService service, ServerServiceDefinition... others)
            throws IOException {
        InetSocketAddress address = new InetSocketAddress(host, port);
        if (address.isUnresolved()) {
            throw new IOException(host + ": no such host");
        }
        NodeServer node = new NodeServer(address, security, service, others);
        try {
            node.server.start();
            node.port = node.server.getPort();
            return node;
        } catch (IOException e) {
            node.close();
            IOException cause = e.getCause() instanceof IOException deeper ? deeper : e;
            throw new IOException(host + ":" + port + ": cannot listen there: " + IoFailure.reason(cause), e);
        }
    }

    /// Returns where it listens.
    public int port() {
        return port;
    }

    /// Cuts all links, and returns when every guest has left. What is being computed is waited for.
    @Override
    public void close() {
        server.shutdownNow();
        boolean interrupted = false;
        while (!server.isTerminated()) {
            try {
                server.awaitTermination();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        for (ServedLink link : links) {
            interrupted |= link.awaitEnd();
        }
        Streams.end(thread);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private ServerCall.Listener<InputStream> challenge(ServerCall<InputStream, InputStream> call, Metadata headers) {
        try {
            Handshake.requireVersion(headers, "node", "driver");
            Metadata answer = Handshake.headers();
            answer.put(Handshake.NONCE, challengeOf(call).draw());
            call.sendHeaders(answer);
            call.close(Status.OK, new Metadata());
        } catch (RefusedException e) {
            call.close(Failure.refusal(e), new Metadata());
        }
        return new Silent();
    }

    private ServerCall.Listener<InputStream> link(ServerCall<InputStream, InputStream> call, Metadata headers) {
        try {
            Handshake.requireVersion(headers, "node", "driver");
            Metadata answer = handshake.answer(headers, challengeOf(call).take());
            if (links.size() >= MAX_LINKS) {
                throw new RefusedException("the node has " + MAX_LINKS + " drivers already");
            }
            call.sendHeaders(answer);
        } catch (RefusedException e) {
            call.close(Failure.refusal(e), new Metadata());
            return new Silent();
        }
        ServedLink link =
                new ServedLink(call, service, "moetier-node-link-" + numOpened.incrementAndGet(), links::remove);
        links.add(link);
        link.start();
        return link;
    }

    private static Challenge challengeOf(ServerCall<InputStream, InputStream> call) {
        Challenge challenge = call.getAttributes().get(CHALLENGE);
        if (challenge == null) {
            throw new IllegalStateException("a call without a connection");
        }
        return challenge;
    }

    /// Hears nothing of a call that is over.
    private static final class Silent extends ServerCall.Listener<InputStream> {}

    /// The number that was drawn for a connection: good for one proof.
    private static final class Challenge {
        private final AtomicReference<byte[]> drawn = new AtomicReference<>(new byte[0]);

        byte[] draw() {
            byte[] nonce = Handshake.nonce();
            drawn.set(nonce);
            return nonce;
        }

        byte[] take() {
            byte[] nonce = drawn.getAndSet(new byte[0]);
            if (nonce.length == 0) {
                throw new RefusedException("the driver asked for no challenge");
            }
            return nonce;
        }
    }

    private static final class Challenges extends ServerTransportFilter {
        @Override
        public Attributes transportReady(Attributes attributes) {
            return attributes.toBuilder().set(CHALLENGE, new Challenge()).build();
        }
    }
}
