package io.moetier.cluster.link;

import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.moetier.cluster.membership.Identity;
import io.moetier.cluster.wire.Protocol;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.thread.Uninterrupted;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// Takes the links of drivers and has a [NodeService] answer what comes over them.
///
/// Threads: one sends and receives for all links, and each link has one that computes, so that a driver waits for its
/// own requests only. No message is read of a driver that has not proved that it belongs here.
public final class NodeServer implements AutoCloseable {
    /// How many drivers may be there at once.
    static final int MAX_LINKS = 64;

    private static final int MAX_CALLS = 4; // of a connection
    private static final int FIRST_WORD_SECONDS = 10; // for a connection to begin, and to end that has no link

    private final NodeService service;
    private final EventLoopGroup thread = Streams.thread("moetier-node-io");
    private final Server server;
    private final Set<ServedLink> links = ConcurrentHashMap.newKeySet();
    private final AtomicInteger numOpened = new AtomicInteger();
    private int port;

    private NodeServer(
            InetSocketAddress address, Identity identity, NodeService service, ServerServiceDefinition... others) {
        this.service = service;
        NettyServerBuilder builder = NettyServerBuilder.forAddress(address)
                .sslContext(Tls.server(identity))
                .channelType(NioServerSocketChannel.class)
                .withChildOption(ChannelOption.ALLOCATOR, Streams.ALLOCATOR)
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
                .addService(ServerServiceDefinition.builder(Streams.SERVICE)
                        .addMethod(Streams.LINK, this::link)
                        .build());
        for (ServerServiceDefinition other : others) {
            builder.addService(other);
        }
        this.server = builder.build();
    }

    /// Begins to listen.
    ///
    /// @param port 0 for any that is free
    /// @param others what else is offered there
    /// @throws IOException if nobody can listen there
    public static NodeServer start(
            String host, int port, Identity identity, NodeService service, ServerServiceDefinition... others)
            throws IOException {
        InetSocketAddress address = new InetSocketAddress(host, port);
        if (address.isUnresolved()) {
            throw new IOException(host + ": no such host");
        }
        NodeServer node = new NodeServer(address, identity, service, others);
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
        Uninterrupted.await(server::awaitTermination);
        links.forEach(ServedLink::awaitEnd);
        Streams.end(thread);
    }

    private ServerCall.Listener<InputStream> link(ServerCall<InputStream, InputStream> call, Metadata headers) {
        try {
            ProtocolHeader.requireVersion(headers, "node", "driver");
            if (links.size() >= MAX_LINKS) {
                throw new RefusedException("the node has " + MAX_LINKS + " drivers already");
            }
            call.sendHeaders(ProtocolHeader.headers());
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

    /// Hears nothing of a call that is over.
    private static final class Silent extends ServerCall.Listener<InputStream> {}
}
