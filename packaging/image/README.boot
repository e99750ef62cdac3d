Settings for edgecam
====================

Put files into this folder before the first start, or later; they are read at
each start, taken over if they are right, and removed from here because they may
hold secrets. What is wrong stays, and NAME.error beside it says why.

edgecam.json      everything below in one file, and the fleet's site.json; edgecam.json.done
                  then shows what was taken, without secrets
edgecam.yaml      the configuration (the package's example shows the keys)
wifi.conf         country=DE
                  network={
                      ssid="NAME"
                      psk="PASSWORD"
                  }
hostname          one word: the page is then at https://NAME.local:8443/
authorized_keys   SSH keys for root; without them SSH is off
owner_secret      the claim secret of a fleet

There is no default password. The first start makes an owner secret and shows it
on the screen and on the serial line.
