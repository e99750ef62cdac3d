# What U-Boot does on boards without UEFI: starts a slot. The last sector before
# the first partition tells which (slot), and which new one is tried instead
# (try) how often yet (left); the system writes it by /usr/lib/edgecam/bootrecord.
setenv slot
setenv try
setenv left
if ${devtype} read ${kernel_addr_r} 7ff 1; then
  env import -t ${kernel_addr_r} 200 slot try left
fi
if test "${slot}" != b; then setenv slot a; fi
setenv use ${slot}
if test "${try}" = a -o "${try}" = b; then
  if test "${left}" = 3 -o "${left}" = 2 -o "${left}" = 1; then
    setexpr left ${left} - 1
    mw.b ${kernel_addr_r} 0 200
    env export -t ${kernel_addr_r} slot try left
    # A slot whose tries cannot be counted would be tried for ever.
    if ${devtype} write ${kernel_addr_r} 7ff 1; then setenv use ${try}; fi
  fi
fi
setexpr ramdisk ${kernel_addr_r} + 8000000
for s in ${use} a b; do
  echo edgecam: slot ${s}
  if load ${devtype} ${devnum}:${distro_bootpart} ${scriptaddr} ${s}/boot.env; then
    env import -t ${scriptaddr} ${filesize} bootargs
    if load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} ${s}/vmlinuz; then
      if load ${devtype} ${devnum}:${distro_bootpart} ${ramdisk} ${s}/initrd; then
        booti ${kernel_addr_r} ${ramdisk}:${filesize} ${fdt_addr}
      fi
    fi
  fi
done
echo edgecam: no slot can be started
sleep 10
reset
