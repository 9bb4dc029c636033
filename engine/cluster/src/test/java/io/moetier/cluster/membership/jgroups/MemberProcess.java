package io.moetier.cluster.membership.jgroups;

import io.moetier.cluster.membership.Membership;
import io.moetier.cluster.membership.Offer.Role;
import io.moetier.cluster.membership.SharedSecret;
import io.moetier.testdata.ChildProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/// A member in a process of its own.
final class MemberProcess implements AutoCloseable {
    private final ChildProcess child;
    private final BufferedReader out;

    private MemberProcess(ChildProcess child) {
        this.child = child;
        out = child.process().inputReader(StandardCharsets.UTF_8);
    }

    static MemberProcess start(Path secret, String name, String join) throws IOException {
        return new MemberProcess(ChildProcess.start(new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        MemberProcess.class.getName(),
                        secret.toString(),
                        name,
                        join)
                .redirectError(Redirect.DISCARD)));
    }

    /// Waits until it says something.
    void awaitWord(String word) throws IOException {
        String said = out.readLine();
        if (!word.equals(said)) {
            throw new IOException("it says " + said);
        }
    }

    /// Stops the process as it is; its connections stay open.
    void hang() throws IOException, InterruptedException {
        int code = new ProcessBuilder(
                        "kill", "-STOP", Long.toString(child.process().pid()))
                .start()
                .waitFor();
        if (code != 0) {
            throw new IOException("kill: " + code);
        }
    }

    /// Ends the process without a word.
    void kill() {
        child.close();
    }

    @Override
    public void close() {
        kill();
    }

    public static void main(String[] arguments) throws IOException {
        Membership member = JGroupsMembership.join(
                Cluster.belonging(SharedSecret.read(Path.of(arguments[0])), List.of(arguments[2])),
                arguments[1],
                Cluster.offer(Role.NODE),
                true);
        member.tasks().offer("park", 1, bytes -> {
            System.out.println("works");
            LockSupport.park();
            return bytes;
        });
        System.out.println("offers");
        LockSupport.park();
    }
}
