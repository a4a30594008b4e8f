# A client made of Perl's JSON::RPC::Common, which writes the requests and reads the replies. What carries them is a
# socket, line by line.
use strict;
use warnings;

use IO::Socket::UNIX;
use JSON::RPC::Common::Marshal::Text;
use JSON::RPC::Common::Procedure::Call;

my ($path, $address) = @ARGV;
my $socket = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!";
my $marshal = JSON::RPC::Common::Marshal::Text->new;
my $calls = 0;

sub call {
    my ($method, $params) = @_;
    my $call = JSON::RPC::Common::Procedure::Call->inflate(
        { jsonrpc => '2.0', id => ++$calls, method => $method, params => $params });
    my ($line, $return);

    $socket->print($marshal->call_to_json($call), "\n");
    do {
        defined($line = $socket->getline) or die "$method: the session ended";
    } while ($line =~ /"method"/); # a notification
    $return = $marshal->json_to_return($line);
    $return->id == $calls or die "$method: $line";
    return $return;
}

sub result {
    my ($method, $params) = @_;
    my $return = call($method, $params);

    die "$method: " . $return->error->message if $return->has_error;
    return $return->result;
}

sub check {
    my ($holds, $what) = @_;

    $holds or die "$what is wrong";
}

my $hello = result('hello', []);
check($hello->{server} eq 'minimiod' && $hello->{protocol} == 1, 'hello');
check(call('no_such_method', [])->error->code == -32601, 'the unknown method');
my $registered = result('register', { token => 7, address => $address });
check($registered->{token} == 7 && $registered->{peer} eq $address, 'register');
my $listed = result('list', [undef, 10]);
check(@{ $listed->{registrations} } == 1 && $listed->{registrations}[0]{token} == 7, 'list');
