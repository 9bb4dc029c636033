package io.moetier.cli.option;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.moetier.cli.terminal.Surroundings;
import io.moetier.cluster.membership.Belonging;
import io.moetier.cluster.membership.ClusterSettings;
import io.moetier.cluster.membership.MembershipException;
import io.moetier.cluster.membership.Offer;
import io.moetier.cluster.membership.PortTakenException;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class ClusterOptionsTest {
    private static ClusterOptions parsed(String... words) {
        ClusterOptions options = new ClusterOptions();
        new CommandLine(CommandLine.Model.CommandSpec.create().addMixin("cluster", spec(options))).parseArgs(words);
        return options;
    }

    private static CommandLine.Model.CommandSpec spec(ClusterOptions options) {
        return CommandLine.Model.CommandSpec.forAnnotatedObject(options);
    }

    @Test
    void noneIsAskedFor() {
        assertEquals(Optional.empty(), parsed().settings(0));
    }

    @Test
    void whatIsNotSaidStaysOnThisMachine() {
        assertEquals(
                new ClusterSettings("c", "127.0.0.1", 5, List.of(), false, Optional.empty(), Optional.empty()),
                parsed("--cluster", "c").settings(5).orElseThrow());
    }

    @Test
    void whoNamesNoMemberLooksOnThisMachineWhereAFirstNodeIs() {
        ClusterSettings guest = parsed("--cluster", "c").settingsOfGuest().orElseThrow();
        assertEquals(List.of("127.0.0.1"), guest.join());
        assertEquals(0, guest.port());
        ClusterSettings node = parsed("--cluster", "c").settingsOfNode().orElseThrow();
        assertEquals(List.of(), node.join());
        assertEquals(ClusterSettings.DEFAULT_PORT, node.port());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "| nobody is there; --join HOST[:PORT] or --discover looks elsewhere",
                "--join 127.0.0.1:9 | nobody is there",
                "--discover | nobody is there"
            })
    void whoLooksOnThisMachineAloneIsToldHowToLookElsewhere(String words, String sentence) {
        String all = words == null ? "--cluster c" : "--cluster c " + words;
        ClusterSettings settings = parsed(all.split(" ")).settingsOfGuest().orElseThrow();
        MembershipException e = assertThrows(
                MembershipException.class,
                () -> ClusterOptions.joined(settings, () -> {
                    throw new MembershipException("nobody is there");
                }));
        assertEquals(sentence, e.getMessage());
    }

    /// Somebody else may come there between any look and the moment that a node listens.
    @ParameterizedTest
    @CsvSource({"--join 127.0.0.1, 7947 0", "--join 127.0.0.1 --port 9, 9", "--host 127.0.0.1, 7947"})
    void aNodeThatHasNeighboursIsElsewhereWhereItsPortIsTaken(String words, String tried, @TempDir Path home)
            throws IOException {
        ClusterOptions options = parsed(("--cluster c " + words).split(" "));
        Belonging belonging = Belonging.read(options.settingsOfNode().orElseThrow(), home);
        List<String> ports = new ArrayList<>();
        ClusterOptions.NodeJoining<Boolean> joining = at -> {
            ports.add("" + at.settings().port());
            if (at.settings().port() > 0) {
                throw new PortTakenException("port: taken");
            }
            return true;
        };
        if (tried.endsWith("0")) {
            assertTrue(options.joinAsNode(belonging, joining));
        } else {
            MembershipException e =
                    assertThrows(MembershipException.class, () -> options.joinAsNode(belonging, joining));
            assertEquals("--port: taken", e.getMessage());
        }
        assertEquals(tried, String.join(" ", ports));
    }

    @Test
    void allIsSaid() {
        assertEquals(
                new ClusterSettings(
                        "c", "127.0.0.2", 7, List.of("a", "b:8"), true, Optional.of(Path.of("s")), Optional.empty()),
                parsed("--cluster=c --host=127.0.0.2 --port=7 --join=a,b:8 --discover --secret-file=s".split(" "))
                        .settings(5)
                        .orElseThrow());
    }

    @Test
    void whoLooksOnTheNetworkIsAtAnAddressOfThisMachine() throws IOException {
        String host =
                parsed("--cluster", "c", "--discover").settings(0).orElseThrow().host();
        InetAddress address = InetAddress.getByName(host);
        assertNotNull(NetworkInterface.getByInetAddress(address), host);
        boolean isAlone = NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .allMatch(own -> own.isLoopbackAddress() || own instanceof Inet6Address);
        assertTrue(!isAlone || address.isLoopbackAddress(), host);
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.1", "127.0.0.1:99", "localhost:99", "[::1]:99"})
    void whoIsJoinedOnThisMachineFindsItThere(String place) {
        String host = parsed("--cluster", "c", "--join", place)
                .settings(0)
                .orElseThrow()
                .host();
        assertEquals(place.startsWith("[") ? "0:0:0:0:0:0:0:1" : "127.0.0.1", host.replace("%lo", ""));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--join a | --join: of which cluster? --cluster NAME says it",
                "--tls d --host h --discover | --discover, --host, --tls: of which cluster? --cluster NAME says it",
                "--cluster c --tls d --secret-file s | --secret-file and --tls: members know each other by one of them,"
                        + " not by both",
                "--cluster c --host 192.0.2.1 | --host: 192.0.2.1 is no address of this machine",
                "--cluster c --host fe80::1%nowhere0 | --host: there is no host fe80::1%nowhere0",
                "--cluster c --port 70000 | --port: 70000 is none",
                "--cluster -c | --cluster: up to 64 letters, digits, dots, hyphens and underscores, a letter or digit"
                        + " first"
            })
    void whatCannotBeIsSaidOfFlags(String words, String sentence) {
        ClusterOptions options = parsed(words.split(" "));
        assertEquals(
                sentence,
                assertThrows(IllegalArgumentException.class, () -> options.settings(0))
                        .getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--join 127.0.0.1:0 | --join: 127.0.0.1:0 has no port that can be",
                "--discover | --discover, --host: 127.0.0.1 is this machine alone, and on no network to look for members"
                        + " on"
            })
    void whatCannotBeJoinedIsSaidOfFlags(String words, String sentence, @TempDir Path home) {
        ClusterSettings settings = parsed(("--cluster c --host 127.0.0.1 " + words).split(" "))
                .settings(0)
                .orElseThrow();
        Offer offer = new Offer(Offer.Role.DRIVER, "", 0, 0, 1, "", "");
        MembershipException e = assertThrows(
                MembershipException.class,
                () -> ClusterOptions.join(settings, new Surroundings(Map.of(), home, ""), "test", offer));
        assertEquals(sentence, e.getMessage());
    }
}
