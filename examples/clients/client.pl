#!/usr/bin/env perl
# SPDX-License-Identifier: MIT
# As client.py, with Perl and its core modules. usage: client.pl HOST:PORT...
use strict;
use warnings;
use IO::Socket::UNIX;
use JSON::PP;

my $path = $ENV{MINIMIO_SOCKET} || '/run/minimio/minimio.sock';
my $daemon = IO::Socket::UNIX->new(Peer => $path) or die "client.pl: $path: $!\n";
my $last_id = 0;
my @kept;    # events that came while a call awaited its reply

# Returns the next message; queues events.
sub receive {
    my $line = readline $daemon;
    die "client.pl: the daemon closed the session\n" unless defined $line;
    my $message = decode_json($line);
    push @kept, @{ $message->{params}{events} } if ($message->{method} // '') eq 'ready';
    return $message;
}

sub call {
    my ($method, %params) = @_;
    my $id = ++$last_id;
    print {$daemon} encode_json({ jsonrpc => '2.0', id => $id, method => $method, params => \%params }), "\n";
    $daemon->flush;
    while (1) {
        my $message = receive();
        die "client.pl: $message->{error}{message}\n" if $message->{error};
        return $message->{result} if ($message->{id} // 0) == $id;
    }
}

sub event {
    receive() until @kept;
    return shift @kept;
}

$| = 1;
binmode STDOUT, ':encoding(UTF-8)';
my $token = 0;
call('register', token => ++$token, address => $_) for @ARGV;
my $left = @ARGV;
while ($left) {
    my $ready = event()->{token};
    my $result = call('read', token => $ready);
    print "$ready: $result->{data}" if $result->{bytes};
    if ($result->{eof}) {
        call('deregister', token => $ready);
        $left--;
    } else {
        call('reregister', token => $ready);
    }
}
